/*
 * How to reach a router: the options that say so, and the text forms of them.
 */
#ifndef NETSONDE_PROBES_ROS_ACCESS_H
#define NETSONDE_PROBES_ROS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/option.h"
#include "core/tls_client.h"

/* A member of whose settings can reach a router. */
struct ros_access {
	char *username;
	char *password, *password_file; /* one of them at most; the file is read at each connection. Neither: empty */
	int port;                       /* 0: 8728, or 8729 with tls */
	bool uses_tls;
	bool is_anonymous; /* the router has no certificate: anonymous Diffie-Hellman, at most TLS 1.2 */
	char *fingerprint; /* SHA-256 of the router's certificate, hexadecimal: it and no other; NULL: none */
	struct tls_settings tls;
	int login;                /* enum ros_login_style */
	int family;               /* enum host_preference, as in the other types */
	char *source, *interface; /* NULL: by the routes */
	int fwmark;
	int window;                 /* commands in flight */
	int64_t connect_timeout_ns; /* TCP, TLS and login together */
	int64_t command_timeout_ns;
	int64_t pause_min_ns, pause_max_ns; /* between attempts, doubling, with jitter */
	int breaker_failures;               /* attempts that fail in a row and open the breaker */
	int64_t breaker_pause_ns;           /* between attempts while it is open */
	int64_t idle_ns;                    /* a connection that nobody used for so long is closed; 0: never */
};

#endif
