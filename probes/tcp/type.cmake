netsonde_probe_type(tcp SOURCES dialogue.c talk.c exchange.c exchange_report.c tcp_type.c udp_type.c)
# The same folder: a dialogue in datagrams.
netsonde_probe_type(udp)
