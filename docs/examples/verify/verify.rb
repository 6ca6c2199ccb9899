require "json"
require "openssl"

# Raises ArgumentError where the delivery is not genuine.
def verify(body, headers, secret, now: Time.now.to_i)
  timestamp = headers["webhook-timestamp"].to_s
  unless timestamp.match?(/\A\d{1,12}\z/) && (now - timestamp.to_i).abs <= 300
    raise ArgumentError, "the timestamp is too far from now"
  end

  key = secret.delete_prefix("whsec_").unpack1("m0")
  signed = "#{headers["webhook-id"]}.#{timestamp}.".b + body.b
  expected = "v1," + [OpenSSL::HMAC.digest("SHA256", key, signed)].pack("m0")
  unless headers["webhook-signature"].to_s.split.any? { |given| OpenSSL.secure_compare(given, expected) }
    raise ArgumentError, "no signature matches"
  end

  JSON.parse(body)
end
