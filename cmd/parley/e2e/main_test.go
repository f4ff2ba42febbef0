// Package e2e_test looks at Parley from outside: it builds the program, starts nodes as
// processes of their own and speaks to them as clients, operators and failing machines do.
// It knows the wire contract and nothing of the code behind it.
//
//   - node_test.go, build_test.go: nodes as processes
//   - rest_test.go, socket_test.go: clients
//   - js_test.go and *.test.mjs, python_test.go and client.py: official Socket.IO clients
//   - api_*_test.go, cli_test.go: REST and the command line
//   - visitor_test.go, recovery_test.go: clients that go away and come back
//   - picture_test.go, invariant_test.go, converge_test.go: clients that keep a picture by events alone
//   - load_test.go, ledger_test.go, fault_*_test.go: writers under faults, and the books that
//     are balanced afterwards: nothing acknowledged is lost, repeated or reordered
//   - crowd_test.go, unrest_test.go, chaos_test.go: many clients whose connections, nodes and Redis
//     break at random, and a checker of what each was told
//
// Every test has databases and a Redis of its own. Node with npm and Python with its Socket.IO client
// are needed; a test without what it needs fails and never skips.
package e2e_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "16") // slots bound what runs; a test that waits for one holds up no other
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(program.dir)
		os.Exit(code)
	}))
}
