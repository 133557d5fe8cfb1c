-- What PostgreSQL does for deploy/bench: as much of a vault's work as fits in one function, which is
-- one round trip and one transaction. Keys stand in the function: cheaper than any way to keep them.
CREATE EXTENSION pgcrypto;

CREATE TABLE cards (
  token uuid PRIMARY KEY,
  digest bytea NOT NULL UNIQUE,
  card bytea NOT NULL
);

CREATE TABLE audit (
  seq bigserial PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  operation text NOT NULL,
  merchant text NOT NULL,
  token uuid NOT NULL,
  outcome text NOT NULL
);

CREATE FUNCTION tokenize(pan text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  fingerprint bytea := hmac(pan, 'a fingerprint key of 32 bytes 01', 'sha256');
  iv bytea := gen_random_bytes(16);
  found uuid;
  is_new boolean := true;
BEGIN
  INSERT INTO cards VALUES (
      gen_random_uuid(), fingerprint,
      iv || encrypt_iv(
        convert_to(rpad(pan || '|12|2035', 112), 'UTF8'), 'a data key of thirty-two bytes 1', iv,
        'aes-cbc'))
    ON CONFLICT (digest) DO NOTHING RETURNING token INTO found;
  IF found IS NULL THEN
    is_new := false;
    SELECT token INTO found FROM cards WHERE digest = fingerprint;
  END IF;
  INSERT INTO audit (actor, operation, merchant, token, outcome) VALUES (
    'spiffe://shop.example/checkout', 'tokenize', 'shop', found,
    CASE WHEN is_new THEN 'created' ELSE 'existing' END);
  RETURN found;
END $$;
