/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: pads frames to 60 bytes on their way out, as Ethernet cards do and veth does not. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#define ETHERNET_LEAST 60

SEC("tc")
int pad(struct __sk_buff *skb)
{
	if (skb->len < ETHERNET_LEAST)
		bpf_skb_change_tail(skb, ETHERNET_LEAST, 0);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
