// SPDX-License-Identifier: Apache-2.0
/* names.c: questions to the tables of names, the known versions, and the meaning of stop codes. */
#include "data/names.h"

static const char *const titles[AG_SECTION_COUNT] = {
    [AG_SECTION_GENERAL] = "General Infos",
    [AG_SECTION_BOX] = "Control Box Datas",
    [AG_SECTION_MOTOR] = "Motor Datas",
    [AG_SECTION_HEAD] = "Head Datas",
    [AG_SECTION_PSET] = "Pset",
    [AG_SECTION_CYCLE] = "Cycle Parameters",
    [AG_SECTION_PROGRAM] = "Program",
    [AG_SECTION_EXTERNAL] = "External Infos",
    [AG_SECTION_RESULTS] = "Results",
    [AG_SECTION_STEP_RESULTS] = "Step Results",
    [AG_SECTION_DATA] = "Datas",
};

const char *ag_section_title(ag_section section)
{
    return section < AG_SECTION_COUNT ? titles[section] : "";
}

ag_section ag_section_find(ag_str title)
{
    for (int i = 0; i < AG_SECTION_COUNT; i++)
        if (ag_str_is(title, titles[i])) return (ag_section)i;
    return AG_SECTION_OTHER;
}

const char *ag_name_of_version(const ag_name *name, int version)
{
    for (size_t i = 0; i < sizeof(name->spellings) / sizeof(name->spellings[0]) && name->spellings[i].text; i++)
        if (version >= name->spellings[i].from && version <= name->spellings[i].to) return name->spellings[i].text;
    return NULL;
}

bool ag_name_is(const ag_name *name, ag_str text)
{
    for (size_t i = 0; i < sizeof(name->spellings) / sizeof(name->spellings[0]) && name->spellings[i].text; i++)
        if (ag_str_is(text, name->spellings[i].text)) return true;
    return false;
}

#define FIRST_SEVEN                                                                                                    \
    AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST, AG_CHANNEL_TORQUE_EMPTY, AG_CHANNEL_THRUST_EMPTY,       \
        AG_CHANNEL_STEP, AG_CHANNEL_STOP_CODE

const ag_format_version ag_format_versions[] = {
    {4,
     "V 3.1.2",
     6,
     12,
     {FIRST_SEVEN, AG_CHANNEL_TORQUE_STATE, AG_CHANNEL_THRUST_STATE, AG_CHANNEL_ROTATION, AG_CHANNEL_FEED,
      AG_CHANNEL_POWER},
     false},
    {7,
     "V 3.1.5.5",
     8,
     11,
     {FIRST_SEVEN, AG_CHANNEL_TORQUE_STATE, AG_CHANNEL_THRUST_STATE, AG_CHANNEL_POWER, AG_CHANNEL_GAP},
     false},
    {8,
     "V 3.2.0",
     9,
     11,
     {FIRST_SEVEN, AG_CHANNEL_TORQUE_STATE, AG_CHANNEL_THRUST_STATE, AG_CHANNEL_POWER, AG_CHANNEL_GAP},
     false},
    {9, "V 3.2.2.1", 9, 9, {FIRST_SEVEN, AG_CHANNEL_POWER, AG_CHANNEL_GAP}, true},
    {11, "V 3.2.5", 12, 9, {FIRST_SEVEN, AG_CHANNEL_POWER, AG_CHANNEL_GAP}, false},
};
const size_t ag_format_version_count = sizeof(ag_format_versions) / sizeof(ag_format_versions[0]);

const ag_format_version *ag_format_version_find(int version)
{
    for (size_t i = 0; i < ag_format_version_count; i++)
        if (ag_format_versions[i].version == version) return &ag_format_versions[i];
    return NULL;
}

const ag_stop_bit ag_stop_bits[] = {
    {1, AG_STOP_ADVANCE, "torque rise"},
    {2, AG_STOP_FAULT, "torque limit"},
    {4, AG_STOP_ADVANCE, "thrust rise"},
    {8, AG_STOP_END, "hard stop"},
    {16, AG_STOP_FAULT, "thrust safety"},
    {32, AG_STOP_FAULT, "torque safety"},
    {64, AG_STOP_ADVANCE, "stroke reached"},
    {128, AG_STOP_FAULT, "stop button"},
    {256, AG_STOP_FAULT, "stop cycle"},
    {512, AG_STOP_FAULT, "tool break"},
    {1024, AG_STOP_END, "abort button"},
    {2048, AG_STOP_ADVANCE, "torque drop"},
    {4096, AG_STOP_ADVANCE, "thrust drop"},
    {8192, AG_STOP_END, "max stroke"},
    {16384, AG_STOP_END, "stroke and torque limit"},
    {32768, AG_STOP_END, "stroke and thrust limit"},
    {65536, AG_STOP_FAULT, "feed short circuit"},
    {131072, AG_STOP_FAULT, "spindle short circuit"},
    {262144, AG_STOP_FAULT, "power"},
    {524288, AG_STOP_ADVANCE, "delay elapsed"},
    {1048576, AG_STOP_FAULT, "drive too hot"},
    {2097152, AG_STOP_FAULT, "tool too hot"},
    {4194304, AG_STOP_FAULT, "spindle overload"},
    {8388608, AG_STOP_FAULT, "feed overload"},
};
const size_t ag_stop_bit_count = sizeof(ag_stop_bits) / sizeof(ag_stop_bits[0]);

ag_stop_kind ag_stop_kind_of(int32_t code)
{
    if (code <= 0) return AG_STOP_FAULT;
    ag_stop_kind kind = AG_STOP_ADVANCE;
    for (size_t i = 0; i < ag_stop_bit_count; i++) {
        if (!(code & ag_stop_bits[i].bit)) continue;
        if (ag_stop_bits[i].kind > kind) kind = ag_stop_bits[i].kind;
        code &= ~ag_stop_bits[i].bit;
    }
    return code ? AG_STOP_FAULT : kind;
}

void ag_stop_describe(int32_t code, ag_buf *out)
{
    ag_buf_addf(out, "%d (", (int)code);
    const char *between = "";
    for (size_t i = 0; i < ag_stop_bit_count; i++) {
        if (!(code & ag_stop_bits[i].bit)) continue;
        ag_buf_addf(out, "%s%s", between, ag_stop_bits[i].name);
        between = " + ";
    }
    ag_buf_addf(out, "%s)", *between ? "" : "nothing");
}
