require_relative "snippet"

names = ARGV[0].split
$stdin.each_line(chomp: true) do |line|
  secret, body, now, *values = line.split("\t", -1).map { |field| field.unpack1("m0") }
  headers = names.zip(values.map { |value| value.dup.force_encoding("UTF-8") }).reject { |_, value| value.empty? }.to_h
  moment = now.empty? ? {} : { now: now.to_i }
  begin
    verify(body, headers, secret, **moment)
    puts "genuine"
  rescue ArgumentError
    puts "refused"
  end
end
