using System;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

public static class Webhook
{
    /// <summary>Throws CryptographicException where the delivery is not genuine; now is DateTimeOffset.UtcNow.</summary>
    public static void Verify(byte[] body, Func<string, string?> header, string secret, DateTimeOffset now)
    {
        string timestamp = header("webhook-timestamp") ?? "";
        bool isMoment = long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds);
        if (!isMoment || Math.Abs((double)now.ToUnixTimeSeconds() - seconds) > 300)
        {
            throw new CryptographicException("the timestamp is too far from now");
        }
        byte[] key = Convert.FromBase64String(secret.Substring("whsec_".Length));
        string id = header("webhook-id") ?? "";
        byte[] head = Encoding.UTF8.GetBytes($"{id}.{timestamp}.");
        byte[] signed = new byte[head.Length + body.Length];
        head.CopyTo(signed, 0);
        body.CopyTo(signed, head.Length);
        byte[] expected = Encoding.UTF8.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
        foreach (string given in (header("webhook-signature") ?? "").Split(' '))
        {
            if (CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), expected))
            {
                return;
            }
        }
        throw new CryptographicException("no signature matches");
    }
}
