pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlidec)
netsonde_probe_type(http SOURCES http.c http_callbacks.c http_client.c http_decode.c http_failure.c http_fields.c http_json.c
	http_recipe.c http_report.c http_rules.c http_secrets.c http_setup.c http_socket.c http_type.c http_url.c
	LINK PkgConfig::CURL PkgConfig::OPENSSL PkgConfig::ZLIB PkgConfig::BROTLI PkgConfig::JANSSON)
