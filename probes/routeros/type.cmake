file(GLOB routeros_sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros
	${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros/*.c)
netsonde_probe_type(routeros SOURCES ${routeros_sources} LINK PkgConfig::OPENSSL)
if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros/routeros_type.c)
	list(REMOVE_ITEM probe_types routeros) # the parts are there, the type is not yet
endif()
# The catalogue as an array of bytes: a string in quotes may not be that long in C.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros/catalogue.conf)
file(READ ${CMAKE_CURRENT_SOURCE_DIR}/probes/routeros/catalogue.conf routeros_catalogue HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," routeros_catalogue "${routeros_catalogue}")
configure_file(probes/routeros/catalogue_text.c.in ${CMAKE_BINARY_DIR}/routeros_catalogue.c @ONLY)
list(APPEND probe_type_sources ${CMAKE_BINARY_DIR}/routeros_catalogue.c)
