//go:build !norecovery

package gateway

// recoveryOff is true only in a build that is made to lose what clients have missed, with the tag norecovery, so
// that what looks for losses can be seen to find them.
const recoveryOff = false
