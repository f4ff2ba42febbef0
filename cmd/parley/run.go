package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/api/auth"
)

// run serves until ctx ends or a part fails, then stops everything in order. It returns
// when all of it is gone: nil after a stop that was asked for and kept to its time.
//
// The core outlives the edge: sockets and requests are drained while the log, the bus and the
// views still work, so every command that was taken is answered. The store stops first
// within the core, and tells the bus what it commits until the end.
func (n *node) run(ctx context.Context) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", n.http.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", n.http.Addr, err)
	}

	background := context.WithoutCancel(ctx)
	storeGroup, storeCtx := errgroup.WithContext(background)
	coreGroup, coreCtx := errgroup.WithContext(background)
	edgeGroup, edgeCtx := errgroup.WithContext(background)
	storeCtx, stopStore := context.WithCancel(storeCtx)
	coreCtx, stopCore := context.WithCancel(coreCtx)
	edgeCtx, stopEdge := context.WithCancel(edgeCtx)
	defer stopEdge()
	defer stopCore()
	defer stopStore()

	storeGroup.Go(func() error { return n.store.Run(storeCtx) })
	for _, part := range []func(context.Context) error{n.bus.Run, n.trace.Run, n.limiter.Run, n.admission.Run, n.pids.Run, n.tracker.Run, n.commands.Run, n.views.Run, n.drift.Run, n.sessions.Run, n.feed.Run, n.eraser.Run} {
		coreGroup.Go(func() error { return part(coreCtx) })
	}
	coreGroup.Go(func() error { return giveBackMemory(coreCtx) })
	for _, part := range n.measures.runs() {
		coreGroup.Go(func() error { return part(coreCtx) })
	}
	edgeGroup.Go(func() error { return n.projector.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.roster.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.typing.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.sockets.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.plain.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.gateway.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.webhooks.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.history.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.upkeep.Run(edgeCtx) })
	edgeGroup.Go(func() error { return n.sessions.Watch(edgeCtx, n.expel) })
	if n.jwks != nil {
		edgeGroup.Go(func() error { return n.jwks.Run(edgeCtx) })
	}
	edgeGroup.Go(func() error { return ignoreClosed(n.http.Serve(listener)) })
	edgeGroup.Go(func() error { return n.announce(edgeCtx, listener.Addr()) })

	var failed error
	select {
	case <-ctx.Done():
		n.logger.InfoContext(ctx, "stopping", "timeout", n.settings.ShutdownTimeout)
	case <-edgeCtx.Done():
		failed = context.Cause(edgeCtx)
	case <-coreCtx.Done():
		failed = context.Cause(coreCtx)
	case <-storeCtx.Done():
		failed = context.Cause(storeCtx)
	}
	deadline := time.Now().Add(n.settings.ShutdownTimeout)
	drained := n.drain(background, deadline)
	stopEdge()
	edgeErr := edgeGroup.Wait()
	stopStore()
	storeErr := storeGroup.Wait()
	stopCore()
	return errors.Join(outcome(failed, edgeErr, storeErr, coreGroup.Wait()), drained)
}

// outcome is what went wrong. Parts that were told to end may say so; the one that ended the node has failed, also
// if all it says is that it was not answered in time.
func outcome(failed error, ended ...error) error {
	var errs []error
	for _, err := range ended {
		errs = append(errs, ignoreCanceled(err))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return failed
}

// announce waits until the node answers, then says so.
func (n *node) announce(ctx context.Context, addr net.Addr) error {
	select {
	case <-n.projector.Ready():
	case <-ctx.Done():
		return nil
	}
	n.logger.InfoContext(ctx, "listening", "address", addr.String(), "node", n.name)
	if n.onReady == nil {
		return nil
	}
	if err := n.onReady(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// expel closes the sockets of those who have been logged out, wherever that was done.
func (n *node) expel(revoked []auth.Revocation) {
	if count := n.gateway.Expel(auth.Concerned(revoked)); count > 0 {
		n.logger.Info("sockets of logged-out users closed", "sockets", count)
	}
}

// drain lets the clients go. What is not done shortly before the deadline is cut off.
func (n *node) drain(ctx context.Context, deadline time.Time) error {
	n.draining.Store(true)
	// The core needs a moment of its own afterwards.
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-n.settings.ShutdownTimeout/4))
	defer cancel()

	var group errgroup.Group
	group.Go(func() error {
		if err := n.http.Shutdown(ctx); err != nil {
			n.logger.WarnContext(ctx, "requests cut off", "error", err)
			return n.http.Close()
		}
		return nil
	})
	group.Go(func() error {
		spread := n.settings.ShutdownTimeout / 10
		n.gateway.Drain(ctx, spread)
		var doors errgroup.Group
		doors.Go(func() error { return n.sockets.Drain(ctx, 0) })
		doors.Go(func() error { return n.plain.Drain(ctx, 0) })
		return ignoreCanceled(doors.Wait())
	})
	return group.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
