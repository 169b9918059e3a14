/*
 * How to reach a router: the options that say so, and the text forms of them.
 */
#ifndef NETSONDE_PROBES_ROS_ACCESS_H
#define NETSONDE_PROBES_ROS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/hash.h"
#include "core/host.h"
#include "core/option.h"
#include "core/tls_client.h"
#include "probes/routeros/ros_flight.h"
#include "probes/routeros/ros_login.h"

/* A member of whose settings can reach a router. */
struct ros_access {
	char *username;
	char *password, *password_file; /* one of them at most; the file is read at each connection. Neither: empty */
	int64_t port;                   /* 0: 8728, or 8729 with tls */
	bool uses_tls;
	bool is_anonymous; /* the router has no certificate: anonymous Diffie-Hellman, at most TLS 1.2 */
	char *fingerprint; /* SHA-256 of the router's certificate, hexadecimal: it and no other; NULL: none */
	struct tls_settings tls;
	int login;                /* enum ros_login_style */
	int family;               /* enum host_family, as in the other types */
	char *source, *interface; /* NULL: by the routes */
	int64_t fwmark;
	int64_t window;             /* commands in flight */
	int64_t connect_timeout_ns; /* TCP, TLS and login together */
	int64_t command_timeout_ns;
	int64_t pause_min_ns, pause_max_ns; /* between attempts, doubling, with jitter */
	int64_t breaker_failures;           /* attempts that fail in a row and open the breaker */
	int64_t breaker_pause_ns;           /* between attempts while it is open */
	int64_t idle_ns;                    /* a connection that nobody used for so long is closed; 0: never */
};

#define ROS_PORT     8728
#define ROS_PORT_TLS 8729

/* The options of a struct ros_access by itself. */
extern const struct option ros_access_options[];
extern const size_t ros_access_noptions;

/* Rules between the options. Pure; files are looked at when they are needed. -1 with err. */
int ros_access_check(const struct ros_access *access, struct err *err);

/* Zeroed access gets the default of each option. */
void ros_access_set_defaults(struct ros_access *access);
/* A deep copy, and its end (passwords are wiped; NULL is harmless). */
struct ros_access *ros_access_copy(const struct ros_access *access);
void ros_access_free(struct ros_access *access);
/* What an access owns, not the struct itself. */
void ros_access_clear(struct ros_access *access);
bool ros_accesses_are_equal(const struct ros_access *a, const struct ros_access *b);
uint64_t ros_access_hash(struct hash_key key, const struct ros_access *access);

/* The port to connect to. */
uint16_t ros_access_port(const struct ros_access *access);

/* Reads 32 bytes in hexadecimal, with or without colons, blanks or a "sha256:" before them, and writes them as
 * tls_facts has them. -1 with err. */
int ros_fingerprint_parse(const char *text, char out[65], struct err *err);

#define ROS_ACCESS_AT(type, member) .offset = offsetof(type, member)

/* The rows of an option table: ROS_ACCESS_OPTIONS(struct routeros_settings, access), with access the struct ros_access.
 * To be followed by a comma. */
#define ROS_ACCESS_OPTIONS(type, member)                                                                               \
	{"username", OPTION_TEXT, ROS_ACCESS_AT(type, member.username),                                                \
	 .help = "User of the router; its group needs the policies read and api, and test for pings and traceroutes"}, \
		{"password", OPTION_SECRET, ROS_ACCESS_AT(type, member.password),                                      \
		 .help = "Its password. Better in a file: password_file"},                                             \
		{"password_file", OPTION_TEXT, ROS_ACCESS_AT(type, member.password_file),                              \
		 .help = "File whose first line is the password; read at each connection"},                            \
		{"port",                                                                                               \
		 OPTION_INTEGER,                                                                                       \
		 ROS_ACCESS_AT(type, member.port),                                                                     \
		 .minimum = 0,                                                                                         \
		 .maximum = 65535,                                                                                     \
		 .fallback = "0",                                                                                      \
		 .help = "Port of the router's service api, or api-ssl with tls. 0: 8728, with tls 8729"},             \
		{"tls", OPTION_BOOLEAN, ROS_ACCESS_AT(type, member.uses_tls), .fallback = "false",                     \
		 .help = "TLS (the router's service api-ssl). Without it the password of a router of version 6.43 or " \
			 "later crosses the network in clear"},                                                        \
		{"tls_anonymous", OPTION_BOOLEAN, ROS_ACCESS_AT(type, member.is_anonymous), .fallback = "false",       \
		 .help = "The router's service api-ssl has no certificate: anonymous Diffie-Hellman, TLS 1.2 at "      \
			 "most. Nobody proves who the router is: whoever is between can read and change everything"},  \
		{"tls_fingerprint", OPTION_TEXT, ROS_ACCESS_AT(type, member.fingerprint),                              \
		 .help = "SHA-256 of the router's certificate in hexadecimal: this certificate is accepted and no "    \
			 "other, whoever signed it and whatever name it has"},                                         \
		TLS_CLIENT_OPTIONS(type, member.tls),                                                                  \
		{"login",                                                                                              \
		 OPTION_CHOICE,                                                                                        \
		 ROS_ACCESS_AT(type, member.login),                                                                    \
		 .fallback = "any",                                                                                    \
		 .choices = ros_login_style_words,                                                                     \
		 .help = "any: the new login (RouterOS 6.43 and later), and the old one if the router wants it. new: " \
			 "never the old one. challenge: only the old one, in which the password does not cross in "    \
			 "clear; refused by RouterOS 6.45.1 and later"},                                               \
		{"family",                                                                                             \
		 OPTION_CHOICE,                                                                                        \
		 ROS_ACCESS_AT(type, member.family),                                                                   \
		 .fallback = "prefer_ipv4",                                                                            \
		 .choices = host_family_words,                                                                         \
		 .help = "Which addresses of a name are used; prefer_ falls back to the other family"},                \
		{"source", OPTION_TEXT, ROS_ACCESS_AT(type, member.source), .help = "Source address"},                 \
		{"interface", OPTION_TEXT, ROS_ACCESS_AT(type, member.interface),                                      \
		 .help = "Interface to leave by, by name"},                                                            \
		{"fwmark",                                                                                             \
		 OPTION_INTEGER,                                                                                       \
		 ROS_ACCESS_AT(type, member.fwmark),                                                                   \
		 .minimum = 0,                                                                                         \
		 .maximum = 4294967295.0,                                                                              \
		 .fallback = "0",                                                                                      \
		 .help = "Mark for policy routing (SO_MARK). The daemon must keep CAP_NET_ADMIN or CAP_NET_RAW for "   \
			 "it, which it does not; a connection fails as local then. 0: none"},                          \
		{"window",                                                                                             \
		 OPTION_INTEGER,                                                                                       \
		 ROS_ACCESS_AT(type, member.window),                                                                   \
		 .minimum = 1,                                                                                         \
		 .maximum = ROS_WINDOW_MAX,                                                                            \
		 .fallback = "8",                                                                                      \
		 .help = "Commands that the router works on at the same time, at most; those of users get half. "      \
			 "Others wait"},                                                                               \
		{"connect_timeout",                                                                                    \
		 OPTION_SECONDS,                                                                                       \
		 ROS_ACCESS_AT(type, member.connect_timeout_ns),                                                       \
		 .minimum = 0.1,                                                                                       \
		 .maximum = 300,                                                                                       \
		 .fallback = "5",                                                                                      \
		 .help = "How long connection, TLS and login may take together"},                                      \
		{"command_timeout",                                                                                    \
		 OPTION_SECONDS,                                                                                       \
		 ROS_ACCESS_AT(type, member.command_timeout_ns),                                                       \
		 .minimum = 0.1,                                                                                       \
		 .maximum = 3600,                                                                                      \
		 .fallback = "10",                                                                                     \
		 .help = "How long a command may take; then it is cancelled"},                                         \
		{"reconnect_min",                                                                                      \
		 OPTION_SECONDS,                                                                                       \
		 ROS_ACCESS_AT(type, member.pause_min_ns),                                                             \
		 .minimum = 0.01,                                                                                      \
		 .maximum = 86400,                                                                                     \
		 .fallback = "1",                                                                                      \
		 .help = "Pause after the first attempt that fails, or after a connection was lost. It doubles with "  \
			 "each attempt, and up to half of it is left off at random"},                                  \
		{"reconnect_max",  OPTION_SECONDS,   ROS_ACCESS_AT(type, member.pause_max_ns), .minimum = 0.01,        \
		 .maximum = 86400, .fallback = "30", .help = "The longest of these pauses"},                           \
		{"breaker_failures",                                                                                   \
		 OPTION_INTEGER,                                                                                       \
		 ROS_ACCESS_AT(type, member.breaker_failures),                                                         \
		 .minimum = 1,                                                                                         \
		 .maximum = 1000000,                                                                                   \
		 .fallback = "5",                                                                                      \
		 .help = "So many failures in a row open the circuit breaker; a refused login opens it at once"},      \
		{"breaker_pause",                                                                                      \
		 OPTION_SECONDS,                                                                                       \
		 ROS_ACCESS_AT(type, member.breaker_pause_ns),                                                         \
		 .minimum = 0.01,                                                                                      \
		 .maximum = 86400,                                                                                     \
		 .fallback = "60",                                                                                     \
		 .help = "Pause between attempts while the circuit breaker is open, with jitter as above"},            \
	{                                                                                                              \
		"idle_timeout", OPTION_SECONDS, ROS_ACCESS_AT(type, member.idle_ns),                                   \
			.minimum = 0, .maximum = 86400, .fallback = "120",                                             \
			.help = "A connection that nobody used for so long is closed. 0: never"                        \
	}

#endif
