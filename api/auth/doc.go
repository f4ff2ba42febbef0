// Package auth says who is at the door: it verifies tokens, and keeps local accounts for
// installations without an identity provider.
//
//	Verifier       a token → Claims. No I/O with a secret key
//	Issuer         access tokens of local accounts
//	Authenticator  a token → the user, who exists, is active and has not logged out
//	Accounts       register, login, refresh, logout; what `parley user` does
//	Hasher         passwords: argon2id, two at a time
//
// # Promises
//
// The key decides the algorithm, never the token. Nothing of a token that is not verified is
// used to reach a file, a database or the network. A token is measured before it is parsed.
//
// Passwords and refresh tokens are stored as hashes only and are in no log and no event.
//
// Login costs the same for an unknown name, a wrong password and a deactivated user, and
// answers with the same error.
//
// A refresh token works once. Using one again means that two parties have it, so all of its
// login is revoked; both must log in again. The client that loses an answer loses its login:
// there is no grace in which a thief could be the second one.
//
// Revocation is a row in Postgres. The node that wrote it refuses the token at once; the others within
// SessionConfig.CacheFor. Those already let in are told of by Sessions.Watch, within about
// SessionConfig.WatchEvery on every node, or as soon as Postgres answers again. Nothing of that takes
// Redis. When Postgres is away nobody is let in: UNAVAILABLE.
//
// Registration writes the account first and the UserRegistered event after it. A crash in
// between is healed by the same registration again, or by the next login.
package auth
