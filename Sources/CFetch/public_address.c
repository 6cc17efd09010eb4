#include "public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/// Networks of version 4 that are nobody's or somebody's own: IANA's registry of special-purpose addresses
/// (https://www.iana.org/assignments/iana-ipv4-special-registry), and those of many receivers.
static const struct {
  uint32_t network;
  int bits;
} special[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16}, {0xac100000, 12},
    {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24},
    {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4},
};

static int is_public_4(uint32_t address) {
  for (size_t index = 0; index < sizeof special / sizeof special[0]; index++) {
    uint32_t mask = 0xffffffffu << (32 - special[index].bits);
    if ((address & mask) == special[index].network) return 0;
  }
  return 1;
}

/// Of version 6 only what is given out to the world (2000::/3), and of that neither tunnels, in which an address of version 4
/// is hidden, nor examples.
static int is_public_6(const uint8_t *address) {
  if ((address[0] & 0xe0) != 0x20) return 0;
  // 2001::/23, in which are Teredo and others; 2001:db8::/32; 2002::/16, which is 6to4; 3fff::/20.
  if (address[0] == 0x20 && address[1] == 0x01 && address[2] < 2) return 0;
  if (address[0] == 0x20 && address[1] == 0x01 && address[2] == 0x0d && address[3] == 0xb8) return 0;
  if (address[0] == 0x20 && address[1] == 0x02) return 0;
  if (address[0] == 0x3f && address[1] == 0xff && address[2] < 0x10) return 0;
  return 1;
}

int ingot_address_is_public(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    struct sockaddr_in four;
    memcpy(&four, address, sizeof four);
    return is_public_4(ntohl(four.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    struct sockaddr_in6 six;
    memcpy(&six, address, sizeof six);
    return is_public_6(six.sin6_addr.s6_addr);
  }
  return 0;
}

int ingot_fetch_is_public(const char *text) {
  struct sockaddr_in four = {.sin_family = AF_INET};
  if (inet_pton(AF_INET, text, &four.sin_addr) == 1) return ingot_address_is_public((struct sockaddr *)&four);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6};
  if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) return ingot_address_is_public((struct sockaddr *)&six);
  return 0;
}
