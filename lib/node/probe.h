/* SPDX-License-Identifier: MIT */
/*
 * The throw-away process in which a module is opened for `lpad check`: `lpad node --probe PATH`, which answers JSON
 * lines on a descriptor (supervise/probe.h asks them) until that is closed.
 *
 *   {"do": "describe"}                                     {"interface": {...}}, see node/describe.h
 *   {"do": "check", "implementation": N, "document": {}}   {"complaints": ["params.k: ...", ...]}
 *   instead of either                                      {"error": "what is wrong with the module"}
 */
#ifndef NODE_PROBE_H
#define NODE_PROBE_H

int probe_main(int fd, const char *path);       /* the exit code */

#endif
