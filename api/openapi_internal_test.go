package api

import (
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"parley/api/auth"
	"parley/api/spec/spectest"
	"parley/commands"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/upkeep"
)

var updateSpec = flag.Bool("update", false, "write openapi.json anew")

type object = spectest.Object

// operation is what the description says about a route beyond what the route itself does.
type operation struct {
	summary string
	// query and headers are names and what they are for; those of pages are known.
	query   map[string]string
	headers map[string]string
	// body is what is sent; fields that the path says are left out.
	body     reflect.Type
	optional bool // the body may be left out
	// answer is what comes back with status, which is 200 if it is 0.
	answer reflect.Type
	status int
	// other is what may come back instead.
	other reflect.Type
	// formats are those of an answer that is no JSON.
	formats map[string]string
}

func body[T any]() reflect.Type { return reflect.TypeFor[T]() }

type listOf[T any] = projections.List[T]

var (
	paged = map[string]string{"cursor": "nextCursor of the page before", "limit": "at most 200, 50 if left out"}
	bySeq = map[string]string{"before": "below this seq", "after": "above this seq", "around": "about this seq", "limit": "at most 200, 50 if left out"}
)

// with adds parameters.
func with(query map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, query)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// operations describes every route.
func operations() map[string]operation {
	all := map[string]operation{}
	for _, part := range []map[string]operation{
		ofDiagnostics(), ofAuth(), ofUsers(), ofRooms(), ofMessages(), ofReceipts(), ofLog(), ofConsumers(),
	} {
		maps.Copy(all, part)
	}
	return all
}

func ofDiagnostics() map[string]operation {
	return map[string]operation{
		"GET /healthz":                          {summary: "Whether the process answers", answer: body[health]()},
		"GET /readyz":                           {summary: "Whether this node should get requests; 503 with the same body when not", answer: body[health]()},
		"GET /debug/projections":                {summary: "How far each view is", answer: body[items[projections.Status]]()},
		"GET /metrics":                          {summary: "What Prometheus reads", formats: map[string]string{"text/plain": "metrics"}},
		"GET /debug/socket/connections":         {summary: "The sockets of all nodes", query: map[string]string{"userId": "of this user", "node": "of this node", "transport": "websocket or polling", "cursor": "nextCursor of the page before", "limit": "at most 200"}, answer: body[wire.Connections]()},
		"GET /debug/socket/metrics":             {summary: "How the sockets of this node are doing", answer: body[SocketMetrics]()},
		"GET /debug/queues":                     {summary: "What waits on this node", answer: body[Queues]()},
		"GET /debug/load":                       {summary: "What this node did in the last ten minutes, as lines to draw", query: map[string]string{"since": "after this time, in milliseconds since 1970"}, answer: body[Load]()},
		"GET /debug/upkeep":                     {summary: "The rebuild or proof of views that is under way in any node, or the last one", answer: body[lastUpkeep]()},
		"DELETE /debug/upkeep/:id":              {summary: "End it", answer: body[struct{}]()},
		"POST /debug/verify":                    {summary: "Prove the views from the log, one job at a time", body: body[proof](), optional: true, answer: body[upkeep.Job](), status: http.StatusAccepted},
		"POST /debug/projections/:name/rebuild": {summary: "Make a view anew from the log, one job at a time", answer: body[upkeep.Job](), status: http.StatusAccepted},
		"GET /debug/pprof/":                     {summary: "Profiles of the process", formats: map[string]string{"text/html": "a list"}},
		"GET /debug/pprof/:profile":             {summary: "A profile", formats: map[string]string{"*/*": "as Go's net/http/pprof has it"}},
		"GET /openapi.json":                     {summary: "This description", formats: map[string]string{"application/json": "OpenAPI 3.1"}},
		"GET /asyncapi.json":                    {summary: "The description of the sockets", formats: map[string]string{"application/json": "AsyncAPI 3.0"}},
		"GET /docs":                             {summary: "Both descriptions as a page", formats: map[string]string{"text/html": "the page"}},
		"GET /docs/:file":                       {summary: "What the page is made of", formats: map[string]string{"*/*": "a style or a script"}},
	}
}

func ofAuth() map[string]operation {
	return map[string]operation{
		"GET /auth/methods":   {summary: "How one gets in", answer: body[methods]()},
		"POST /auth/register": {summary: "Make a local account", body: body[registration](), answer: body[tokens](), status: http.StatusCreated},
		"POST /auth/login":    {summary: "Log in by username or email", body: body[login](), answer: body[tokens]()},
		"POST /auth/refresh":  {summary: "Exchange a refresh token; the old one is void, and using it again ends the login", body: body[refresh](), answer: body[tokens]()},
		"POST /auth/logout":   {summary: "End this login, or with all every one", body: body[logout](), optional: true, answer: body[struct{}]()},
	}
}

func ofUsers() map[string]operation {
	return map[string]operation{
		"GET /users/me":              {summary: "The caller", answer: body[ownUser]()},
		"PATCH /users/me":            {summary: "Change one's own profile", body: body[commands.ChangeProfile](), answer: body[ownUser]()},
		"GET /users":                 {summary: "Find users", query: with(paged, "q", "how a name begins"), answer: body[listOf[wire.User]]()},
		"GET /users/:id":             {summary: "A user", answer: body[wire.User]()},
		"POST /users/:id/deactivate": {summary: "Shut a user out, on all nodes within seconds", answer: body[commands.Done]()},
		"POST /users/:id/reactivate": {summary: "Let a user in again", answer: body[commands.Done]()},
		"POST /users/:id/erase":      {summary: "Shut a user out for good, and blank what they wrote and were called by, everywhere; 202 while that goes on", answer: body[erased]()},
		"GET /presence":              {summary: "How users are there", query: map[string]string{"userIds": "1 to 200 ids, comma list"}, answer: body[listOf[wire.Presence]]()},
		"GET /rooms/:id/presence":    {summary: "How the members of a room are there", query: paged, answer: body[listOf[wire.Presence]]()},
		"GET /sync":                  {summary: "What the caller could have heard since a position, as it is pushed", query: map[string]string{"since": "a position; required", "limit": "at most 500"}, answer: body[wire.Synced]()},
		"GET /search":                {summary: "Find messages in the rooms of the caller, the best first", query: with(paged, "q", "words; quotes, OR and - as in web search; required", "roomId", "in this room only"), answer: body[listOf[wire.Message]]()},
	}
}

func ofRooms() map[string]operation {
	return map[string]operation{
		"POST /rooms":                       {summary: "Open a room", body: body[commands.CreateRoom](), answer: body[wire.Room](), status: http.StatusCreated},
		"GET /rooms":                        {summary: "The caller's rooms by latest activity, or with scope=public those that anybody may join (then without what is the caller's own)", query: with(paged, "scope", "mine or public", "q", "public only: how a name begins"), answer: body[listOf[rooms.Summary]](), other: body[listOf[wire.Room]]()},
		"GET /rooms/:id":                    {summary: "A room", query: map[string]string{"at": "as it was then: RFC 3339, or position:N"}, answer: body[wire.Room]()},
		"PATCH /rooms/:id":                  {summary: "Change name or topic", body: body[commands.UpdateRoom](), answer: body[wire.Room]()},
		"DELETE /rooms/:id":                 {summary: "Archive a room", answer: body[wire.Room]()},
		"GET /rooms/:id/members":            {summary: "The members of a room", query: with(paged, "at", "as it was then: RFC 3339, or position:N"), answer: body[listOf[wire.Member]]()},
		"PUT /rooms/:id/members/:userId":    {summary: "Invite a user or give a member a role; of oneself without a role: join", body: body[membership](), optional: true, answer: body[commands.Member]()},
		"DELETE /rooms/:id/members/:userId": {summary: "Remove a member; of oneself: leave", answer: body[commands.Done](), other: body[commands.Left]()},
	}
}

func ofMessages() map[string]operation {
	const mid = "/rooms/:id/messages/:mid"
	return map[string]operation{
		"GET /rooms/:id/messages":             {summary: "A page of a room, the newest if nothing is said, ascending by seq", query: with(bySeq, "at", "as it was then: RFC 3339, or position:N", "pinned", "true: pinned ones only"), answer: body[messages.Page]()},
		"POST /rooms/:id/messages":            {summary: "Send a message", body: body[commands.SendMessage](), headers: map[string]string{headerIdempotencyKey: "the clientMessageId: a repetition answers with the first message"}, answer: body[wire.Message](), status: http.StatusCreated},
		"GET " + mid:                          {summary: "A message", query: map[string]string{"at": "as it was then: RFC 3339, or position:N"}, answer: body[wire.Message]()},
		"PATCH " + mid:                        {summary: "Edit one's own message", body: body[commands.EditMessage](), answer: body[wire.Message]()},
		"DELETE " + mid:                       {summary: "Delete a message", answer: body[commands.Deleted]()},
		"GET " + mid + "/replies":             {summary: "The answers to a message", query: bySeq, answer: body[messages.Page]()},
		"GET " + mid + "/revisions":           {summary: "What the message was; once deleted only for its author and moderators", query: map[string]string{"before": "below this position", "limit": "at most 200"}, answer: body[messages.RevisionPage]()},
		"GET " + mid + "/readers":             {summary: "Who has read a message, and when", query: paged, answer: body[listOf[receipts.Receipt]]()},
		"PUT " + mid + "/reactions/:emoji":    {summary: "React", answer: body[commands.Reacted]()},
		"DELETE " + mid + "/reactions/:emoji": {summary: "Take one's reaction back", answer: body[commands.Reacted]()},
		"PUT " + mid + "/pin":                 {summary: "Pin a message", answer: body[commands.Done]()},
		"DELETE " + mid + "/pin":              {summary: "Unpin a message", answer: body[commands.Done]()},
	}
}

func ofReceipts() map[string]operation {
	return map[string]operation{
		"GET /rooms/:id/receipts": {summary: "How far each member has read", query: with(paged, "at", "as it was then: RFC 3339, or position:N"), answer: body[listOf[receipts.Receipt]]()},
		"PUT /rooms/:id/read":     {summary: "Mark as read up to a message", body: body[commands.Mark](), answer: body[commands.Read]()},
		"GET /unread":             {summary: "What is left to read", query: with(paged, "at", "as it was then: RFC 3339, or position:N"), answer: body[receipts.UnreadList]()},
	}
}

// envelope is an event as analysts see it.
type envelope struct {
	Position      event.Position  `json:"position"`
	ID            event.ID        `json:"id"`
	Stream        event.Stream    `json:"stream"`
	Version       int64           `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schemaVersion"`
	Data          json.RawMessage `json:"data"`
	Metadata      json.RawMessage `json:"metadata"`
	RecordedAt    time.Time       `json:"recordedAt"`
}

// streamAnswer is a page of a stream.
type streamAnswer struct {
	Items   []envelope   `json:"items"`
	Stream  event.Stream `json:"stream"`
	Version int64        `json:"version"`
	// NextVersion asks for the page after this one as fromVersion.
	NextVersion int64 `json:"nextVersion,omitempty"`
}

func ofLog() map[string]operation {
	formats := map[string]string{"application/x-ndjson": "an envelope in each line", "text/event-stream": "an envelope in each event, with its position as id", "application/vnd.apache.parquet": "a column for each field"}
	return map[string]operation{
		"GET /events": {summary: "Replay the log, ascending by position", formats: formats, query: map[string]string{
			"from": "first position", "to": "last position", "since": "recorded at or after (RFC 3339)", "until": "recorded before",
			"types": "comma list", "streams": "comma list", "categories": "comma list: what streams begin with", "limit": "how many events",
			"follow": "true: go on live", "format": "ndjson, sse or parquet",
		}, headers: map[string]string{"Last-Event-ID": "go on after this position"}},
		"GET /events/:position":   {summary: "An event", answer: body[envelope]()},
		"GET /streams":            {summary: "Streams by name", query: with(paged, "category", "what they begin with"), answer: body[listOf[Stream]]()},
		"GET /streams/:id":        {summary: "A page of a stream, or with format all of it", query: map[string]string{"fromVersion": "first version", "limit": "at most 200", "format": "ndjson, sse or parquet"}, answer: body[streamAnswer](), formats: formats},
		"GET /messages/:id/trace": {summary: "The way of a message from command to delivery, with times", answer: body[trace]()},
	}
}

func ofConsumers() map[string]operation {
	const c, w = "/consumers/:name", "/webhooks/:name"
	return map[string]operation{
		"GET /consumers":        {summary: "Consumers of the log", answer: body[items[wire.Consumer]]()},
		"GET " + c:              {summary: "A consumer", answer: body[wire.Consumer]()},
		"PUT " + c:              {summary: "Make or change a consumer; 201 for a new one", body: body[wire.ConsumerRequest](), optional: true, answer: body[wire.Consumer]()},
		"DELETE " + c:           {summary: "Remove a consumer", answer: body[wire.Consumer]()},
		"GET " + c + "/events":  {summary: "What follows what was acknowledged", query: map[string]string{"limit": "how many events", "wait": "seconds to wait for the first"}, answer: body[wire.ConsumerPage]()},
		"POST " + c + "/ack":    {summary: "Be done with everything up to a position", body: body[acknowledgement](), answer: body[wire.Consumer]()},
		"POST " + c + "/rewind": {summary: "Go to another position", body: body[wire.Place](), answer: body[wire.Consumer]()},
		"GET /webhooks":         {summary: "Webhooks", answer: body[items[wire.Webhook]]()},
		"GET " + w:              {summary: "A webhook", answer: body[wire.Webhook]()},
		"PUT " + w:              {summary: "Make or change a webhook; 201 for a new one", body: body[wire.WebhookRequest](), answer: body[wire.Webhook]()},
		"DELETE " + w:           {summary: "Remove a webhook", answer: body[wire.Webhook]()},
		"POST " + w + "/resume": {summary: "Go on with a parked webhook", answer: body[wire.Webhook]()},
		"POST " + w + "/rewind": {summary: "Deliver again from a position or time", body: body[wire.Place](), answer: body[wire.Webhook]()},
	}
}

// every is an API that has every route.
func every() *API {
	return &API{Deps: Deps{
		Accounts: &auth.Accounts{}, Log: struct{ LogQueries }{}, Consumers: struct{ Consumers }{}, Webhooks: struct{ Webhooks }{}, Upkeep: struct{ Upkeep }{},
	}}
}

// TestOpenAPI fails when a route, a field or a code is not described as it is.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	document := describe(t)
	spectest.Same(t, "spec/openapi.json", document, *updateSpec)

	parsed, err := openapi3.NewLoader().LoadFromFile("spec/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Error(err)
	}
}

func describe(t *testing.T) object {
	t.Helper()
	schemas := spectest.New(spectest.Known())
	schemas.Name(reflect.TypeFor[commands.Member](), "MemberChanged")
	schemas.Name(reflect.TypeFor[projections.Status](), "ViewStatus")
	schemas.Name(reflect.TypeFor[upkeep.Job](), "UpkeepJob")
	schemas.Name(reflect.TypeFor[upkeep.Difference](), "ViewDifference")
	described := operations()
	paths := object{}
	for _, r := range every().Routes() {
		name := r.Method + " " + strings.TrimPrefix(r.Path, Base)
		o, ok := described[name]
		if !ok {
			t.Errorf("route %s is not described", name)
		}
		delete(described, name)
		path := template(r.Path)
		at, ok := paths[path].(object)
		if !ok {
			at = object{}
			paths[path] = at
		}
		at[strings.ToLower(r.Method)] = o.describe(r, schemas)
	}
	for name := range described {
		t.Errorf("what is described as %s is no route", name)
	}
	problem := schemas.Answer(reflect.TypeFor[Problem]())
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Parley", "version": "1",
			"description": "Errors are RFC 9457 problems with a code. Every write answers with the header Parley-Position; a read sent with " +
				"Parley-Min-Position waits up to 2 s until the views have reached it, and is refused with STALE otherwise.",
		},
		"paths": paths,
		"components": object{
			"schemas":         schemas.Components(),
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
			"responses": object{"Problem": object{
				"description": "A refusal or a failure.", "content": object{problemFormat: object{"schema": problem}},
			}},
		},
	}
}

// template is a path as OpenAPI writes it.
func template(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func (o operation) describe(r Route, schemas *spectest.Schemas) object {
	said := object{"summary": o.summary, "tags": []any{tag(r.Path)}, "responses": o.responses(schemas)}
	if parameters := o.parameters(r); len(parameters) > 0 {
		said["parameters"] = parameters
	}
	if r.Access != Open {
		said["security"] = []any{object{"token": []any{}}}
	}
	if r.Access == Analyst || r.Access == Admin {
		said["description"] = "For the role " + string(r.Access) + "."
	}
	if o.body != nil {
		without := []string{}
		for part := range strings.SplitSeq(template(r.Path), "/") {
			if strings.HasPrefix(part, "{") {
				without = append(without, inBody(r.Path, strings.Trim(part, "{}")))
			}
		}
		said["requestBody"] = object{
			"required": !o.optional,
			"content":  object{"application/json": object{"schema": schemas.Body(o.body, without...)}},
		}
	}
	return said
}

// inBody is what a parameter of the path is called in commands.
func inBody(path, parameter string) string {
	switch {
	case parameter == "mid":
		return "messageId"
	case parameter == "id" && strings.HasPrefix(path, Base+"/rooms"):
		return "roomId"
	default:
		return parameter
	}
}

// tag groups the routes.
func tag(path string) string {
	path, isAPI := strings.CutPrefix(path, Base+"/")
	if !isAPI {
		return "diagnostics"
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}

func (o operation) parameters(r Route) []any {
	list := []any{}
	for part := range strings.SplitSeq(template(r.Path), "/") {
		if strings.HasPrefix(part, "{") {
			list = append(list, object{"name": strings.Trim(part, "{}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	for _, name := range sorted(o.query) {
		list = append(list, object{"name": name, "in": "query", "description": o.query[name], "schema": object{"type": "string"}})
	}
	headers := o.headers
	if len(r.Views) > 0 {
		headers = with(headers, headerMinPosition, "wait until the views show this position")
	}
	for _, name := range sorted(headers) {
		list = append(list, object{"name": name, "in": "header", "description": headers[name], "schema": object{"type": "string"}})
	}
	return list
}

func (o operation) responses(schemas *spectest.Schemas) object {
	status := "200"
	if o.status != 0 {
		status = strconv.Itoa(o.status)
	}
	content := object{}
	if o.answer != nil {
		schema := schemas.Answer(o.answer)
		if o.other != nil {
			schema = object{"anyOf": []any{schema, schemas.Answer(o.other)}}
		}
		content["application/json"] = object{"schema": schema}
	}
	for media := range o.formats {
		content[media] = object{}
	}
	success := object{"description": http.StatusText(max(o.status, http.StatusOK)), "content": content}
	return object{status: success, "default": object{"$ref": "#/components/responses/Problem"}}
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
