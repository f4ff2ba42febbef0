//go:build !linux

package testenv

import "syscall"

// endWithParent has no counterpart here: a killed test binary leaves its servers behind.
func endWithParent(*syscall.SysProcAttr) {}
