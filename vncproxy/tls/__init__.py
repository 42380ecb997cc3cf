"""TLS towards servers: how they are verified, and what the proxy shows of itself.

- `fingerprints`: fingerprints of certificates, in one form.
- `contexts`: OpenSSL's contexts, from the files that a trust names.
- `verification`: one connection as a client, and what is wrong with its server's certificate.
- `https`: HTTPS requests to servers that are verified, with bounded answers.
- `settings`: the table ``tls = { … }``.
"""
