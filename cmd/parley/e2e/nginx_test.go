package e2e_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// Behind nginx, with the file that is in deploy, two nodes are as one: for clients that begin with polling, for REST, and for
// a replay that goes on live. Limits count for clients and not for nginx, and a node that is gone is passed over.
func TestBehindNginx(t *testing.T) {
	inParallel(t)
	packages(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL).with(settings{
		"TRUSTED_PROXIES": "127.0.0.0/8", "SOCKET_MAX_CONNECTIONS_PER_IP": "30",
	})
	nodes := []*node{startNode(t, "one", shared), startNode(t, "two", shared)}
	front := &node{t: t, URL: startNginx(t, nodes...)}

	runJSBy(t, "upgrade", "chat.test.mjs", front.URL, front.URL)

	lines := followLog(t, front)
	ada := front.as(t, "ada")
	lobby := ada.createRoom("public", "lobby")
	awaitLine(t, lines, lobby)

	for range 4 * 30 {
		if conn, response := approach(t, socketURL(front.URL), "192.0.2.1"); conn == nil {
			t.Fatal(response.Status)
		}
	}
	if conn, _ := approach(t, socketURL(front.URL), "192.0.2.1"); conn != nil {
		t.Error("one address has more connections than it may")
	}
	if conn, response := approach(t, socketURL(front.URL), "192.0.2.2"); conn == nil {
		t.Errorf("another address: %s", response.Status)
	}

	for _, n := range nodes {
		n.Kill()
		ada.createRoom("public", "without node "+n.name)
		n.Restart()
	}
}

// startNginx starts one that stands before the nodes, as deploy/nginx/parley.conf says, and returns where it is.
func startNginx(t *testing.T, nodes ...*node) (url string) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../../../deploy/nginx/parley.conf"))
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(freePort(t))
	site := strings.NewReplacer(
		"listen 80;", "listen 127.0.0.1:"+port+";", "listen [::]:80;", "",
		"127.0.0.1:3001", strings.TrimPrefix(nodes[0].URL, "http://"), "127.0.0.1:3002", strings.TrimPrefix(nodes[1].URL, "http://"),
	).Replace(string(text))
	dir := t.TempDir()
	config := filepath.Join(dir, "nginx.conf")
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary.WriteString(kind + "_temp_path " + dir + "/" + kind + ";\n")
	}
	err = os.WriteFile(config, []byte("daemon off; master_process off; pid "+dir+"/pid; error_log stderr;\n"+
		"events { worker_connections 1024; }\nhttp {\naccess_log off;\n"+temporary.String()+site+"}\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	var log journal
	cmd := exec.Command("nginx", "-e", "stderr", "-c", config)
	cmd.Env, cmd.SysProcAttr = environment(nil), ownProcess()
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx says:\n%s", log.tail())
		}
	})
	url = "http://127.0.0.1:" + port
	for end := time.Now().Add(settle); ; time.Sleep(10 * time.Millisecond) {
		if status, _, err := get(t.Context(), url+"/healthz"); err == nil && status == http.StatusOK {
			return url
		} else if time.Now().After(end) {
			t.Fatalf("nginx does not answer: %d, %v\n%s", status, err, log.tail())
		}
	}
}

// awaitLine reads lines until one has the text.
func awaitLine(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	timeout := time.After(settle)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("the lines ended without %q", text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			t.Fatalf("no line has %q", text)
		}
	}
}

// followLog reads the lines of a replay that goes on live, until the test ends.
func followLog(t *testing.T, n *node) <-chan string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.URL+"/api/v1/events?follow=true", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tokenOf("ann", "analyst"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("a replay is answered %s", response.Status)
	}
	lines, ended := make(chan string), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(lines)
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-t.Context().Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = response.Body.Close()
		<-ended
	})
	return lines
}
