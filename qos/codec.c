#include "qos/codec.h"

#include <string.h>

#include "core/text.h"

#define G113      "G.113"
#define G113_2024 "G.113 (09/2024)"

#define AMR_WB(rate, ie_handset)                                                                                       \
	{                                                                                                              \
		.name = "amr-wb-" rate, .full_name = "AMR-WB " rate " kbit/s, handset", .scale = CODEC_WIDEBAND,       \
		.ie = ie_handset, .delay_ms = 25.94, .source = G113_2024 " table IV.1; no Bpl for handsets"            \
	}
#define AMR_WB_HEADSET(rate, ie_headset, bpl_headset)                                                                  \
	{                                                                                                              \
		.name = "amr-wb-" rate "-headset", .full_name = "AMR-WB " rate " kbit/s, stereo headset",              \
		.scale = CODEC_WIDEBAND, .ie = ie_headset, .bpl = bpl_headset, .delay_ms = 25.94,                      \
		.source = G113_2024 " tables IV.3, IV.4 (random loss)"                                                 \
	}

const struct codec codec_table[] = {
	{"g711", "G.711 without concealment", CODEC_NARROWBAND, 0, 4.3, 20, false, G113},
	{"g711-plc", "G.711 with packet loss concealment (Appendix I)", CODEC_NARROWBAND, 0, 25.1, 20, false, G113},
	{"g729", "G.729", CODEC_NARROWBAND, 10, 0, 25, false, G113_2024 " table I.1; no Bpl"},
	{"g729a", "G.729A with VAD, 2 frames a packet", CODEC_NARROWBAND, 11, 19, 25, false, G113},
	{"g723.1", "G.723.1 6.3 kbit/s with VAD, 1 frame a packet", CODEC_NARROWBAND, 15, 16.1, 67.5, false, G113},
	{"g723.1-5.3", "G.723.1 5.3 kbit/s", CODEC_NARROWBAND, 19, 0, 67.5, false, G113 "; no Bpl"},
	{"gsm-efr", "GSM-EFR", CODEC_NARROWBAND, 5, 10, 20, false, G113 "; delay: frames of 20 ms, no look-ahead"},
	{"gsm-fr", "GSM-FR", CODEC_NARROWBAND, 20, 0, 20, false,
	 G113 "; no Bpl; delay: frames of 20 ms, no look-ahead"},
	{"g726-40", "G.726 40 kbit/s", CODEC_NARROWBAND, 2, 0, 20, false, G113 "; no Bpl"},
	{"g726-32", "G.726 32 kbit/s", CODEC_NARROWBAND, 7, 0, 20, false, G113 "; no Bpl"},
	{"g726-24", "G.726 24 kbit/s", CODEC_NARROWBAND, 25, 0, 20, false, G113 "; no Bpl"},
	{"g726-16", "G.726 16 kbit/s", CODEC_NARROWBAND, 50, 0, 20, false, G113 "; no Bpl"},
	{"g728", "G.728 16 kbit/s", CODEC_NARROWBAND, 7, 0, 20, false, G113 "; no Bpl"},
	{"opus-nb", "Opus narrowband, VBR 9 kbit/s", CODEC_NARROWBAND, 11.737, 18.908, 26.5, true,
	 "research value (Al-Ahmadi), derived by instruments; random loss"},
	{"opus-wb", "Opus wideband, VBR 13 kbit/s", CODEC_WIDEBAND, 19.959, 19.496, 26.5, true,
	 "research value (Al-Ahmadi), derived by instruments; random loss"},
	{"g722", "G.722 64 kbit/s", CODEC_WIDEBAND, 13, 0, 21.5, false, G113 "; no Bpl"},
	{"g722-56", "G.722 56 kbit/s", CODEC_WIDEBAND, 20, 0, 21.5, false, G113 "; no Bpl"},
	{"g722-48", "G.722 48 kbit/s", CODEC_WIDEBAND, 31, 0, 21.5, false, G113 "; no Bpl"},
	AMR_WB("6.6", 41),
	AMR_WB("8.85", 26),
	AMR_WB("12.65", 13),
	AMR_WB("14.25", 10),
	AMR_WB("15.85", 7),
	AMR_WB("18.25", 5),
	AMR_WB("19.85", 3),
	AMR_WB("23.05", 1),
	AMR_WB("23.85", 8),
	AMR_WB_HEADSET("6.6", 56, 0),
	AMR_WB_HEADSET("8.85", 41, 0),
	AMR_WB_HEADSET("12.65", 20, 4.3),
	AMR_WB_HEADSET("15.85", 17, 0),
	AMR_WB_HEADSET("23.05", 8, 4.6),
	AMR_WB_HEADSET("23.85", 10, 4.9),
};
const size_t codec_table_n = sizeof(codec_table) / sizeof(codec_table[0]);

const struct codec *codec_find(const char *name)
{
	for (size_t i = 0; i < codec_table_n; i++)
		if (strcmp(codec_table[i].name, name) == 0)
			return &codec_table[i];
	return NULL;
}

const char *codec_nearest(const char *name)
{
	const char *names[sizeof(codec_table) / sizeof(codec_table[0])];

	for (size_t i = 0; i < codec_table_n; i++)
		names[i] = codec_table[i].name;
	return text_nearest(name, names, codec_table_n);
}

bool codec_is_computable(const struct codec *codec, double loss_percent)
{
	return loss_percent <= 0 || codec->bpl > 0;
}
