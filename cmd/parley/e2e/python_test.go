package e2e_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// The official Python client, which is stricter than the others about what it is sent.
func TestPythonClient(t *testing.T) {
	inParallel(t)
	python := pythonWithClient(t)
	n := startNode(t, "python", backends(testenv.DSN(t), testenv.StartRedis(t).URL))
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "client.py", n.URL)
	cmd.Env = environment(settings{"JWT_SECRET": jwtSecret, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"})
	cmd.WaitDelay = 5 * time.Second
	output, err := cmd.CombinedOutput()
	reportTAP(t, "client.py", output, err)
}

// pythonWithClient finds a Python that has the client: a distribution's packages belong to its own.
func pythonWithClient(t *testing.T) string {
	t.Helper()
	var why []byte
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		output, err := exec.CommandContext(t.Context(), python, "-c", "import socketio, requests, websocket, aiohttp").CombinedOutput()
		if err == nil {
			return python
		}
		why = output
	}
	t.Fatalf("no Python with the Socket.IO client (Debian: apt-get install python3-socketio python3-requests python3-websocket python3-aiohttp; "+
		"elsewhere: pip install 'python-socketio[client,asyncio_client]'): %s", why)
	return ""
}
