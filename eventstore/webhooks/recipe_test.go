package webhooks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The recipe of the documents verifies what is delivered, and nothing else.
func TestRecipeForReceivers(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "webhooks.md"))
	must(t, err)
	recipe := regexp.MustCompile("(?s)```js\n(.*?)```").FindSubmatch(page)
	if recipe == nil {
		t.Fatal("there is no recipe")
	}
	w := newWorld(t, hasty())
	r := newReceiver(t, 0, nil)
	w.hook("h", r.URL)
	w.delivered("h", w.messages(2))
	p := r.all()[0]

	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "verify.mjs"), recipe[1], 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "body"), p.body, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "test.mjs"), []byte(`
		import { readFileSync } from "node:fs";
		import { verify } from "./verify.mjs";
		const [secret, id, timestamp, signature] = process.argv.slice(2);
		const body = readFileSync("body");
		const headers = (more) => ({ "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature, ...more });
		const other = Buffer.from(body); other[20] ^= 1;
		console.log([
			verify(secret, headers(), body),
			verify(secret, headers({ "webhook-signature": "v1,AAAA v2,x " + signature }), body),
			verify(secret, headers(), other),
			verify("whsec_A" + secret.slice(7), headers(), body),
			verify(secret, headers({ "webhook-id": id + "x" }), body),
			verify(secret, headers({ "webhook-timestamp": "1" }), body),
			verify(secret, headers(), body, Date.now() / 1000 + 1000),
			verify(secret, headers({ "webhook-signature": undefined }), body),
			verify(secret, {}, body),
		].join(" "));
	`), 0o600))
	cmd := exec.CommandContext(t.Context(), "node", "test.mjs", secret, p.id, p.header.Get("webhook-timestamp"), p.header.Get("webhook-signature"))
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(output)); err != nil || got != "true true"+strings.Repeat(" false", 7) {
		t.Errorf("the recipe says %q, %v", got, err)
	}
}
