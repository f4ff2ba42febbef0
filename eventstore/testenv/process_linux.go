package testenv

import "syscall"

// endWithParent has the kernel end the server when the test binary is killed.
// SIGQUIT is Postgres' immediate shutdown, and ends Redis as well.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
