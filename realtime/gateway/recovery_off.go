//go:build norecovery

package gateway

const recoveryOff = true
