pkg_check_modules(LDNS REQUIRED IMPORTED_TARGET ldns>=1.8)
netsonde_probe_type(dns SOURCES dns.c dns_type.c dns_report.c dns_server.c dns_query.c dns_reply.c dns_guard.c dns_plain.c dns_text.c dns_rules.c
	dns_pool.c dns_socket.c dns_stream.c dns_https.c LINK PkgConfig::LDNS)
