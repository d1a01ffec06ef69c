import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Where clouds serve their credentials to whoever asks from the machine itself. */
const REFUSED = new BlockList();
REFUSED.addSubnet('169.254.0.0', 16, 'ipv4');
REFUSED.addAddress('100.100.100.200', 'ipv4');
REFUSED.addSubnet('fe80::', 10, 'ipv6');
REFUSED.addAddress('fd00:ec2::254', 'ipv6');
// The same IPv4 range as NAT64 writes it; IPv4 addresses mapped into IPv6 are matched by the IPv4 rules.
REFUSED.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function listed(list: BlockList, host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether a host is written as a link-local or metadata address; a name is judged once it is looked up. */
export function isRefusedAddress(host: string): boolean {
  return listed(REFUSED, host);
}

/** Whether what is sent to a host never leaves this machine. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || listed(LOOPBACK, host);
}

/** The name leads, or the URL points, to an address that nothing is sent to. */
export class RefusedAddress extends Error {
  readonly code: string = 'ERR_REFUSED_ADDRESS';
  constructor() {
    super('link-local and metadata addresses are not sent to');
    this.name = 'RefusedAddress';
  }
}

/** Looks a name up as the system does, and refuses it where any of its addresses is refused. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error !== null) return callback(error, '');
    if (addresses.some(({ address }) => isRefusedAddress(address))) return callback(new RefusedAddress(), '');
    if (options.all === true) return callback(null, addresses);
    const [first] = addresses;
    callback(null, first?.address ?? '', first?.family);
  });
};
