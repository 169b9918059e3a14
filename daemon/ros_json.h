/*
 * What a router says, as JSON. All values stay texts, as the router wrote them: what looks like a number may be a
 * name.
 */
#ifndef NETSONDE_DAEMON_ROS_JSON_H
#define NETSONDE_DAEMON_ROS_JSON_H

#include "core/text.h"
#include "probes/routeros/ros_reply.h"

/* With quotes. Bytes that are not UTF-8 become U+FFFD. */
void ros_json_add_word(struct text *out, struct ros_word word);

/* {"name":"value",...}. Of two attributes with one name, which no router sends, the first. */
void ros_json_add_row(struct text *out, const struct ros_reply *reply);

#endif
