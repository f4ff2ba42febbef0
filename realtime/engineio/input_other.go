//go:build !unix

package engineio

import "syscall"

// canPoll says that a connection cannot be waited for without reading it.
const canPoll = false

func readFD(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }

func writeFD(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }
