//go:build !linux

package e2e_test

import "syscall"

// ownProcess keeps the terminal's signals away from a node.
func ownProcess() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
