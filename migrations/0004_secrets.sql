-- +goose Up

-- Keys that all nodes share and nobody else needs to know: made by the first node that asks.
CREATE TABLE auth.secrets (
  name       text        PRIMARY KEY,
  value      bytea       NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down

DROP TABLE auth.secrets;
