// SPDX-License-Identifier: Apache-2.0
/* regimes.c: what is drilled and how, as rows. Programs, plateau currents, thicknesses, entries and points were fitted
 * on real holes of Setitec machines (medians and spreads per campaign); materials of those are inferred from speeds and
 * currents. docs/simulator.md prints the table. */
#include <string.h>

#include "data/simulate/simulate.h"

#define OFF(n) {.number = (n)}

/* Strokes only: the steps carry no word about the material. */
static const ag_sim_program stroke_ti = {
    .name = "stroke-ti",
    .count = 4,
    .steps = {OFF(0),
              {.number = 1, .stroke = 10, .rpm = 1500, .feed = 2.5},
              {.number = 2, .enabled = true, .stroke = 15.7, .rpm = 4000, .feed = 3.0},
              {.number = 3, .enabled = true, .stroke = 9.3, .rpm = 1000, .feed = 0.75}},
    .motor = "L_EDU",
    .ratio = 21.923,
    .idle = 1.6,
    .idle_k = 0.95,
};

static const ag_sim_program stroke_al = {
    .name = "stroke-al",
    .count = 4,
    .steps = {OFF(0),
              {.number = 1, .stroke = 10, .rpm = 1500, .feed = 2.5},
              {.number = 2, .enabled = true, .stroke = 15.7, .rpm = 4500, .feed = 4.35},
              {.number = 3, .enabled = true, .stroke = 11.0, .rpm = 4500, .feed = 4.35}},
    .stop_at = 25.0,
    .motor = "L_EDU",
    .ratio = 21.923,
    .idle = 1.6,
    .idle_k = 0.92,
};

static const ag_sim_program stroke_single = {
    .name = "stroke-single",
    .count = 5,
    .steps =
        {OFF(0), OFF(1), OFF(2), OFF(3), {.number = 4, .enabled = true, .stroke = 26.7, .rpm = 4500, .feed = 4.35}},
    .stop_at = 24.95,
    .motor = "L_EDU",
    .ratio = 21.923,
    .idle = 1.6,
    .idle_k = 0.85,
};

/* Contact ends step 0, the exit detector ends step 2, the last step cuts a countersink up to the hard stop. */
static const ag_sim_program event_contact = {
    .name = "event-contact",
    .event_driven = true,
    .count = 4,
    .steps = {{.number = 0, .enabled = true, .stroke = 25, .rpm = 4000, .feed = 3.0, .torque_max = 0.3},
              {.number = 1, .enabled = true, .stroke = 8.5, .rpm = 4000, .feed = 3.0, .torque_max = 12},
              {.number = 2, .enabled = true, .stroke = 35, .rpm = 1000, .feed = 0.75, .torque_min = 2, .gap = 2},
              {.number = 3, .enabled = true, .stroke = 45, .rpm = 4000, .feed = 3.0}},
    .stop = 9.0,
    .countersinks = true,
    .cover = 1.2,
    .motor = "L-HS_EDU",
    .ratio = 7.2,
    .idle = 1.6,
    .idle_k = 1.2,
};

/* The rise of torque at the metal ends step 1; step 2 oscillates. */
static const ag_sim_program event_peck = {
    .name = "event-peck",
    .event_driven = true,
    .count = 4,
    .steps = {OFF(0),
              {.number = 1, .enabled = true, .stroke = 50, .rpm = 1500, .feed = 1.0, .torque_max = 3},
              {.number = 2,
               .enabled = true,
               .stroke = 50,
               .rpm = 320,
               .feed = 0.16,
               .torque_min = 1,
               .gap = 2,
               .micropeck = true},
              {.number = 3, .enabled = true, .stroke = 50, .rpm = 1500, .feed = 1.0}},
    .stop = 9.0,
    .countersinks = true,
    .motor = "M_EDU",
    .ratio = 21.923,
    .oscillations = 3,
    .idle = 1.3,
    .idle_k = 2.45,
};

static const ag_sim_program event_metal = {
    .name = "event-metal",
    .event_driven = true,
    .count = 4,
    .steps = {OFF(0),
              {.number = 1, .enabled = true, .stroke = 30, .rpm = 3000, .feed = 2.7, .torque_max = 6.5},
              {.number = 2, .enabled = true, .stroke = 20, .rpm = 700, .feed = 0.35, .torque_min = 4, .gap = 0.5},
              {.number = 3, .enabled = true, .stroke = 30, .rpm = 2500, .feed = 2.7}},
    .stop = 4.5,
    .countersinks = true,
    .motor = "M_EDU",
    .ratio = 21.923,
    .idle = 3.5,
    .idle_k = 2.0,
};

/* One material: a fast approach until contact, then through; a fast way to the countersink, which contact finds too. */
static const ag_sim_program event_through = {
    .name = "event-through",
    .event_driven = true,
    .count = 4,
    .steps = {{.number = 0, .enabled = true, .stroke = 100, .rpm = 4500, .feed = 13, .torque_max = 1.0},
              {.number = 1, .enabled = true, .stroke = 60, .rpm = 4500, .feed = 4.5, .torque_min = 2, .gap = 2},
              {.number = 2, .enabled = true, .stroke = 100, .rpm = 3000, .feed = 13, .torque_max = 4},
              {.number = 3, .enabled = true, .stroke = 100, .rpm = 1500, .feed = 1.5}},
    .stop = 12.0,
    .countersinks = true,
    .motor = "M_EDU",
    .ratio = 21.923,
    .idle = 4.7,
    .idle_k = 0.2,
};

static const ag_sim_program thrust_contact = {
    .name = "thrust-contact",
    .event_driven = true,
    .count = 2,
    .steps = {{.number = 0, .enabled = true, .stroke = 30, .rpm = 2533, .feed = 13, .thrust_max = 0.2},
              {.number = 1, .enabled = true, .stroke = 70, .rpm = 2533, .feed = 5.066, .torque_min = 2, .gap = 4}},
    .motor = "DCS_EDU",
    .ratio = 7.2,
    .idle = 3.2,
    .idle_k = 0.4,
};

#define CFRP(...) {AG_SIM_CFRP, __VA_ARGS__}
#define ALUMINIUM(...) {AG_SIM_ALUMINIUM, __VA_ARGS__}
#define TITANIUM(...) {AG_SIM_TITANIUM, __VA_ARGS__}
#define CFRP_OVER_TI CFRP({9.6, 10.8}, {3.6, 5.2}, {0.10, 0.30}), TITANIUM({3.3, 4.4}, {22, 38}, {0.6, 1.5})
#define CFRP_OVER_AL CFRP({9.8, 10.6}, {3.0, 5.0}, {0.08, 0.14}), ALUMINIUM({4.2, 4.9}, {12, 17}, {0.20, 0.30})

const ag_sim_regime ag_sim_regimes[] = {
    {.name = "cfrp-ti-stroke",
     .doc = "CFRP over titanium, steps by stroke",
     .program = &stroke_ti,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP_OVER_TI},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1},
    {.name = "cfrp-al-stroke",
     .doc = "CFRP over aluminium, steps by stroke, fast feed",
     .program = &stroke_al,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP_OVER_AL},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1},
    {.name = "cfrp-al-speeds",
     .doc = "the same at 750 to 4000 rpm",
     .program = &stroke_al,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP_OVER_AL},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .shift = 0.10,
     .noise = 1,
     .speed = {0.167, 0.889}},
    {.name = "cfrp-al-single",
     .doc = "the same in one step",
     .program = &stroke_single,
     .layer_count = 2,
     .layers = {CFRP_OVER_AL},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1},
    {.name = "cfrp-ti-event",
     .doc = "CFRP over titanium; contact begins, the exit detector ends; countersink",
     .program = &event_contact,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP({6.5, 10.5}, {4.4, 6.0}, {0.08, 0.60}), TITANIUM({3.6, 4.6}, {20, 42}, {0.25, 4.5})},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .entry = {4.6, 7.5}},
    {.name = "cfrp-ti-peck",
     .doc = "CFRP over titanium; the metal ends step 1, micro-peck in step 2; countersink",
     .program = &event_peck,
     .layer_count = 2,
     .layers = {CFRP({5.4, 8.0}, {0.75, 0.95}, {0.06, 0.10}), TITANIUM({4.6, 5.6}, {7.0, 9.0}, {0.4, 0.6})},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .entry = {4.9, 5.3}},
    {.name = "cfrp-al-metal",
     .doc = "CFRP over a hard aluminium alloy; the metal ends step 1; countersink",
     .program = &event_metal,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP({12.0, 15.5}, {3.2, 4.2}, {0.09, 0.15}), ALUMINIUM({4.5, 6.0}, {9.5, 13.0}, {0.9, 1.2})},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .entry = {2.6, 3.4}},
    {.name = "cfrp-gap-cfrp",
     .doc = "two layers of CFRP with air between them; contact, exit detector, countersink",
     .program = &event_through,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP({12, 19}, {10.5, 12.5}, {0.10, 0.20}), CFRP({6, 9}, {10.5, 12.5}, {0.10, 0.20})},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .gap = {0.4, 1.2}},
    {.name = "cfrp-gap-al",
     .doc = "CFRP over aluminium with air between them, steps by stroke",
     .program = &stroke_al,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP({8.8, 9.6}, {3.0, 5.0}, {0.08, 0.14}), ALUMINIUM({4.2, 4.9}, {12, 17}, {0.20, 0.30})},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .gap = {0.3, 1.0}},
    {.name = "cfrp-event",
     .doc = "one layer of CFRP; thrust finds contact, the exit detector ends",
     .program = &thrust_contact,
     .plain = true,
     .layer_count = 1,
     .layers = {CFRP({6, 14}, {8, 12.5}, {1.2, 2.4})},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .entry = {8, 11}},
    {.name = "al-event",
     .doc = "one layer of aluminium; contact, exit detector, countersink",
     .program = &event_through,
     .plain = true,
     .layer_count = 1,
     .layers = {ALUMINIUM({6, 14}, {11, 17}, {0.2, 0.4})},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1},
    {.name = "ti-stroke",
     .doc = "one layer of titanium, steps by stroke",
     .program = &stroke_ti,
     .plain = true,
     .layer_count = 1,
     .layers = {TITANIUM({3.2, 4.5}, {22, 38}, {0.6, 1.5})},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .entry = {16.6, 17.4}},
    {.name = "cfrp-al-ti",
     .doc = "three layers: CFRP, aluminium, titanium; contact, exit detector, countersink",
     .program = &event_contact,
     .plain = true,
     .layer_count = 3,
     .layers = {CFRP({6, 9}, {4.4, 6.0}, {0.10, 0.40}), ALUMINIUM({3.5, 5}, {11, 16}, {0.4, 0.8}),
                TITANIUM({3.4, 4.4}, {28, 38}, {1.2, 2.5})},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .entry = {4.6, 7.5}},
    {.name = "cfrp-ti-worn",
     .doc = "CFRP over titanium with a worn tool",
     .program = &stroke_ti,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP({9.6, 10.8}, {3.6, 5.2}, {0.15, 0.35}), TITANIUM({3.3, 4.4}, {20, 28}, {0.9, 2.0})},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .wear = {1.3, 1.8}},
    {.name = "cfrp-al-noisy",
     .doc = "CFRP over aluminium, three times the usual noise",
     .program = &stroke_al,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP_OVER_AL},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 3},
    {.name = "cfrp-ti-shifted",
     .doc = "CFRP over titanium, the set-up shifts by 1 to 2 mm from hole to hole",
     .program = &stroke_ti,
     .plain = true,
     .layer_count = 2,
     .layers = {CFRP({9.6, 10.2}, {3.6, 5.2}, {0.10, 0.30}), TITANIUM({3.3, 4.2}, {22, 38}, {0.6, 1.5})},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .noise = 1,
     .shift = 1.2},
    {.name = "cfrp-ti-lost",
     .doc = "CFRP over titanium, two to four samples lost in one place",
     .program = &stroke_ti,
     .layer_count = 2,
     .layers = {CFRP_OVER_TI},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .lost = {2, 4}},
    {.name = "cfrp-weak",
     .doc = "one thin layer of CFRP that hardly loads the spindle",
     .program = &stroke_al,
     .weak = true,
     .layer_count = 1,
     .layers = {CFRP({5, 9}, {2.6, 3.1}, {0.06, 0.10})},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .wear = {1.0, 1.08}},
    {.name = "air-stroke",
     .doc = "nothing to drill, steps by stroke",
     .program = &stroke_ti,
     .outcome = AG_SIM_AIR,
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1},
    {.name = "air-event",
     .doc = "nothing to drill, an event-driven program that waits for contact up to the stop",
     .program = &event_contact,
     .outcome = AG_SIM_AIR,
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1},
    {.name = "seized-stroke",
     .doc = "the tool seizes in titanium, steps by stroke",
     .program = &stroke_ti,
     .outcome = AG_SIM_SEIZED,
     .layer_count = 2,
     .layers = {CFRP_OVER_TI},
     .entry = {5.9, 6.7},
     .point = {1.3, 2.0},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .wear = {1.1, 1.5}},
    {.name = "seized-event",
     .doc = "the tool seizes in titanium, event-driven",
     .program = &event_contact,
     .outcome = AG_SIM_SEIZED,
     .layer_count = 2,
     .layers = {CFRP({6.5, 10.5}, {4.4, 6.0}, {0.08, 0.60}), TITANIUM({3.6, 4.6}, {20, 42}, {0.25, 4.5})},
     .point = {1.3, 2.0},
     .wear = {1.0, 1.25},
     .speed = {1, 1},
     .shift = 0.10,
     .noise = 1,
     .entry = {4.6, 7.5}},
};
const size_t ag_sim_regime_count = sizeof(ag_sim_regimes) / sizeof(ag_sim_regimes[0]);

const ag_sim_regime *ag_sim_regime_find(const char *name)
{
    for (size_t i = 0; i < ag_sim_regime_count; i++)
        if (strcmp(ag_sim_regimes[i].name, name) == 0) return &ag_sim_regimes[i];
    return NULL;
}

const char *ag_sim_material_name(ag_sim_material material)
{
    static const char *const names[] = {[AG_SIM_CFRP] = "CFRP", [AG_SIM_ALUMINIUM] = "Al", [AG_SIM_TITANIUM] = "Ti"};
    return names[material];
}

static void add_range(ag_buf *out, ag_sim_range range)
{
    if (range.low == range.high)
        ag_buf_addf(out, "%g", range.low);
    else
        ag_buf_addf(out, "%g to %g", range.low, range.high);
}

static void add_layers(ag_buf *out, const ag_sim_regime *regime)
{
    for (size_t i = 0; i < regime->layer_count; i++) {
        const ag_sim_layer_range *layer = &regime->layers[i];
        ag_buf_addf(out, "%s%s ", i ? "; " : "", ag_sim_material_name(layer->material));
        add_range(out, layer->thickness);
        ag_buf_add_text(out, " mm, ");
        add_range(out, layer->torque);
        ag_buf_add_text(out, " A, ");
        add_range(out, layer->thrust);
        ag_buf_add_text(out, " A");
    }
}

void ag_sim_regimes_markdown(ag_buf *out)
{
    ag_buf_add_text(out,
                    "| regime | what | program | layers: thickness, torque, thrust | gap mm | entry mm | shift mm | "
                    "point mm | wear | speed | lost samples | noise |\n"
                    "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < ag_sim_regime_count; i++) {
        const ag_sim_regime *regime = &ag_sim_regimes[i];
        ag_buf_addf(out, "| `%s` | %s | %s | ", regime->name, regime->doc, regime->program->name);
        add_layers(out, regime);
        const ag_sim_range ranges[] = {regime->gap,   regime->entry, {regime->shift, regime->shift},
                                       regime->point, regime->wear,  regime->speed,
                                       regime->lost};
        for (size_t k = 0; k < sizeof(ranges) / sizeof(ranges[0]); k++) {
            ag_buf_add_text(out, " | ");
            add_range(out, ranges[k]);
        }
        ag_buf_addf(out, " | %g |\n", regime->noise);
    }
}
