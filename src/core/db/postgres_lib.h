// SPDX-License-Identifier: Apache-2.0
#pragma once
/* postgres_lib.h: libpq, loaded when the first PostgreSQL address is opened. Process-wide: the library stays loaded. */
#include <libpq-fe.h>

#include "core/base/err.h"

/* Every function of libpq that is used, once: the struct and the loading are made from this list. All must be
 * there; pipelines came with libpq 14, which every supported system has. */
#define AG_LIBPQ(X)                                                                                                    \
    X(PQconnectdbParams)                                                                                               \
    X(PQfinish)                                                                                                        \
    X(PQstatus)                                                                                                        \
    X(PQpingParams)                                                                                                    \
    X(PQerrorMessage)                                                                                                  \
    X(PQdb)                                                                                                            \
    X(PQhost)                                                                                                          \
    X(PQport)                                                                                                          \
    X(PQsocket)                                                                                                        \
    X(PQtransactionStatus)                                                                                             \
    X(PQsetNoticeProcessor)                                                                                            \
    X(PQexec)                                                                                                          \
    X(PQsendQuery)                                                                                                     \
    X(PQsendPrepare)                                                                                                   \
    X(PQsendQueryPrepared)                                                                                             \
    X(PQconsumeInput)                                                                                                  \
    X(PQisBusy)                                                                                                        \
    X(PQgetResult)                                                                                                     \
    X(PQresultStatus)                                                                                                  \
    X(PQresultErrorField)                                                                                              \
    X(PQresultErrorMessage)                                                                                            \
    X(PQcmdStatus)                                                                                                     \
    X(PQcmdTuples)                                                                                                     \
    X(PQclear)                                                                                                         \
    X(PQntuples)                                                                                                       \
    X(PQnfields)                                                                                                       \
    X(PQftype)                                                                                                         \
    X(PQgetisnull)                                                                                                     \
    X(PQgetvalue)                                                                                                      \
    X(PQgetlength)                                                                                                     \
    X(PQgetCancel)                                                                                                     \
    X(PQcancel)                                                                                                        \
    X(PQfreeCancel)                                                                                                    \
    X(PQenterPipelineMode)                                                                                             \
    X(PQexitPipelineMode)                                                                                              \
    X(PQpipelineSync)                                                                                                  \
    X(PQconninfoParse)                                                                                                 \
    X(PQconninfoFree)                                                                                                  \
    X(PQfreemem)

typedef struct ag_libpq {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a name that is declared */
#define AG_LIBPQ_FIELD(name) __typeof__(&name) name;
    AG_LIBPQ(AG_LIBPQ_FIELD)
#undef AG_LIBPQ_FIELD
} ag_libpq;

/* AG_EUNSUPPORTED with the package to install when it is not there. Thread-safe. */
int ag_libpq_load(const ag_libpq **out, ag_err *err);
