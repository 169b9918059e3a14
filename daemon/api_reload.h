/*
 * POST /-/reload: reads the configuration again. The reply comes when it is in force (200: what has changed) or was
 * refused (400: what is wrong, line by line). On the web thread.
 */
#ifndef NETSONDE_DAEMON_API_RELOAD_H
#define NETSONDE_DAEMON_API_RELOAD_H

struct connection;
struct mailbox;
struct reload;

/* mailbox: that of the web thread. */
void api_reload_serve(struct reload *reload, struct mailbox *mailbox, struct connection *connection);

#endif
