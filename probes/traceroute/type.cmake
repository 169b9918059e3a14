file(GLOB traceroute_sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/probes/traceroute
	${CMAKE_CURRENT_SOURCE_DIR}/probes/traceroute/*.c)
netsonde_probe_type(traceroute SOURCES ${traceroute_sources})
if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/probes/traceroute/traceroute_type.c)
	list(REMOVE_ITEM probe_types traceroute) # the parts are there, the type is not yet
endif()
