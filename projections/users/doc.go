// Package users is the view of accounts: one row each, found by id or by the beginning of
// a name. It says what the log says: no addresses, no secrets.
package users
