"""One console from redeem to close, and the registry of live sessions.

In reading order:

- `user_request`: a user's request for a console.
- `downstream`: the seam to the user's side, a connection before it is a leg.
- `services`: what sessions use of the rest of the proxy.
- `session`: one session: opening, relay, end.
- `state`: its state, what is known of it; how it is cancelled, or its page asked to move.
- `rights`: whether its user may control the machine now.
- `page`: messages between a session and its page.
- `consenting`: asks for consent and approval before the console is connected.
- `recorded`: sessions that are recorded.
- `page_about`: what its page may know of it.
- `page_power`: what its page may do to the machine's power.
- `opening`: turn, token, policy, console, greeting.
- `redeeming`: its token, and what is checked before a use is taken.
- `conditions`: the conditions under which a policy lets a user in.
- `logged_in`: links that are of use only to users that are logged in.
- `journey`: what another zone is told of a session.
- `starting`: starts a machine that is off, when its user asks for it.
- `consoles`: from a machine to its console: asks the backend, connects, shakes hands.
- `steps`: measures the steps to a console.
- `awaited`: what a session waits for while it opens, for pages that ask.
- `recovery`: backends that tell what became of a console, those with the old interfaces included.
- `closing`: why a console closed, and which side closed first.
- `sharing`: what users are told of each other where a machine is not shared.
- `live`: all live sessions, and the limits on their number.
- `changing`: changes what the user of a live session may do.
- `registry`: lists, changes and ends sessions.
- `draining`: empties the proxy: browsers move, the others end in time.
- `admission`: the queue of sessions that wait to open.
- `timer`: one timer for all sessions.
- `ends`: when a session has to end whatever happens in it, and how its page is told before.
- `bandwidth`: the rates of sessions, each its own and one for all of a user.
- `watchdog`: ends sessions that are idle, unresponsive or past their time.
- `audit`, `audit_file`, `audit_journal`: the audit log, its file, and its journal of open sessions.
- `change_count`: counts changes of sessions, for those that wait for any.
- `metrics`: the counters of sessions for Prometheus.
"""
