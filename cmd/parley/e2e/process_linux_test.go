package e2e_test

import "syscall"

// ownProcess makes a node end with the test program, also when that is killed.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
