/*
 * Tells the service manager how far the daemon is (sd_notify(3)).
 */
#ifndef NETSONDE_DAEMON_NOTIFY_H
#define NETSONDE_DAEMON_NOTIFY_H

/* state: "READY=1", "STOPPING=1". Without NOTIFY_SOCKET in the environment nothing happens; nor is a manager that does
 * not listen anything to stop for. */
void notify_manager(const char *state);

#endif
