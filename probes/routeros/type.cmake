file(GLOB routeros_sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros
	${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros/*.c)
netsonde_probe_type(routeros SOURCES ${routeros_sources} LINK PkgConfig::OPENSSL)
if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros/routeros_type.c)
	list(REMOVE_ITEM probe_types routeros) # the parts are there, the type is not yet
endif()
