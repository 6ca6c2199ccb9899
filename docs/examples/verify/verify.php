<?php

/** Throws UnexpectedValueException where the delivery is not genuine. */
function verify(string $body, array $headers, string $secret, ?int $now = null): array
{
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if (!preg_match('/^\d{1,12}$/D', $timestamp) || abs(($now ?? time()) - (int) $timestamp) > 300) {
        throw new UnexpectedValueException('the timestamp is too far from now');
    }
    $key = base64_decode(substr($secret, strlen('whsec_')), true);
    $signed = ($headers['webhook-id'] ?? '') . ".$timestamp.$body";
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $given) {
        if (hash_equals($expected, $given)) {
            return json_decode($body, true, 512, JSON_THROW_ON_ERROR);
        }
    }
    throw new UnexpectedValueException('no signature matches');
}
