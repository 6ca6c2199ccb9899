import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Scanner;

final class Main {
    public static void main(String[] arguments) {
        List<String> names = List.of(arguments[0].split(" "));
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            byte[][] fields = Arrays.stream(lines.nextLine().split("\t", -1))
                .map(Base64.getDecoder()::decode).toArray(byte[][]::new);
            String moment = new String(fields[2]);
            Instant now = moment.isEmpty() ? Instant.now() : Instant.ofEpochSecond(Long.parseLong(moment));
            try {
                Webhook.verify(fields[1], name -> {
                    String value = new String(fields[3 + names.indexOf(name)]);
                    return value.isEmpty() ? null : value;
                }, new String(fields[0]), now);
                System.out.println("genuine");
            } catch (Exception error) {
                System.out.println("refused");
            }
        }
    }
}
