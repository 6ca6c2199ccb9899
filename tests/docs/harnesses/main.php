<?php

require __DIR__ . '/snippet.php';

$names = explode(' ', $argv[1]);
while (($line = fgets(STDIN)) !== false) {
    $fields = array_map('base64_decode', explode("\t", rtrim($line, "\n")));
    [$secret, $body, $now] = $fields;
    $headers = array_filter(array_combine($names, array_slice($fields, 3)), fn ($value) => $value !== '');
    try {
        verify($body, $headers, $secret, $now === '' ? null : (int) $now);
        echo "genuine\n";
    } catch (UnexpectedValueException) {
        echo "refused\n";
    }
}
