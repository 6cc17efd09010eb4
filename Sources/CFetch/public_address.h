#ifndef INGOT_PUBLIC_ADDRESS_H
#define INGOT_PUBLIC_ADDRESS_H

#include <sys/socket.h>

/// Whether an address is one of the world's: not this machine's, a private network's, a tunnel's or an example's.
int ingot_address_is_public(const struct sockaddr *address);

#endif
