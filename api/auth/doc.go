// Package auth says who is at the door: it verifies tokens, and keeps local accounts for
// installations without an identity provider.
//
//	Verifier       a token → Claims. No I/O with a secret key
//	JWKS           the keys of an identity provider: RS256, ES256, EdDSA
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
// A secret is for HS256 alone and the keys of a provider are for the others, so where both are set
// the algorithm tells which of them verifies a token, and neither can stand for the other; issuer and
// audience are checked alike. A provider's key is for one algorithm, which its type decides; a kid is
// needed unless it has published one key only. Keys are fetched every hour, and soon when
// a token names an unknown one: in the long run once in 5 s, however many do. While the provider is away
// its keys stay; while there are none yet its tokens are UNAVAILABLE. A key that is withdrawn is
// believed until the next fetch, and a session that came in with it stays until its token ends.
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
