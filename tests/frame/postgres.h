// SPDX-License-Identifier: Apache-2.0
#pragma once
/* postgres.h: a real PostgreSQL for a test program, made from the system's package in a temporary directory: unix
 * socket and a free port on loopback, as an unprivileged user when the tests run as root. One per program, started at
 * first use; stopped and removed when the program ends, however it ends. */
#include <stdbool.h>

/* The address of a new, empty database; lives as long as the program. Skips the test when PostgreSQL is not installed.
 * First called before the test has threads. */
const char *ag_test_postgres_database(void);
/* The same database by TCP on loopback; until the next call. */
const char *ag_test_postgres_tcp(const char *url);
/* Stops the server (at once, as a crash would, or in its orderly way) and starts it again. */
void ag_test_postgres_down(bool crash);
void ag_test_postgres_up(void);
