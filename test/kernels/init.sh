#!/bin/busybox sh
# The first process of a test machine. Shows it the host's root file system and
# the copy of the checkout, both read-only below and with writes kept in memory,
# then runs /command there and tells the host how it ended.
#
#   /modules/order       kernel modules, in their order
#   /guest/checkout      where the checkout lies
#   /guest/node_modules  where its packages lie; perhaps elsewhere; empty where they are not needed
#   /guest/cgroup        v2, or v1: the version of control groups
#   /guest/command       a shell script
#   /guest/init          a program that becomes the first process and mounts the rest; empty where there is none
#
# Channels to the host: 1 standard output, 2 standard error, 3 exit status.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod "/modules/$module"; done
checkout=$(cat /guest/checkout)

view() { # TAG FOLDER
	mkdir -p "/lower/$1" "/upper/$1" "/upper/$1-work" "$2" &&
		mount -t virtiofs -o ro "$1" "/lower/$1" &&
		mount -t overlay -o "lowerdir=/lower/$1,upperdir=/upper/$1,workdir=/upper/$1-work" "$1" "$2"
}
mount -t tmpfs -o mode=755,size=90% upper /upper &&
	view root /newroot &&
	view checkout "/newroot$checkout" &&
	{ [ ! -s /guest/node_modules ] || { mkdir -p "/newroot$checkout/node_modules" &&
		mount -o bind "/lower/root$(cat /guest/node_modules)" "/newroot$checkout/node_modules"; }; } &&
	mkdir -p /newroot/proc /newroot/sys /newroot/dev /newroot/run /newroot/lib/modules/$(uname -r) &&
	mount -t virtiofs -o ro modules "/newroot/lib/modules/$(uname -r)" &&
	mount -t tmpfs -o mode=755,nosuid,nodev run /newroot/run ||
	{ echo "the shared folders cannot be mounted"; reboot -f; }

ifconfig lo 127.0.0.1 up
hostname guest
umask 022
for folder in proc sys dev; do mount --move "/$folder" "/newroot/$folder"; done
cd /newroot
mount_rest() {
	mkdir -p dev/pts dev/shm
	ln -s /proc/self/fd dev/fd
	for pair in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${pair%:*}" "dev/${pair#*:}"; done
	mount -t devpts -o ptmxmode=666,mode=620,gid=5 pts dev/pts
	mount -t tmpfs shm dev/shm
	if [ "$(cat /guest/cgroup)" = v1 ]; then
		mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup
		mkdir sys/fs/cgroup/pids
		mount -t cgroup -o pids pids sys/fs/cgroup/pids
	else
		mount -t cgroup2 cgroup sys/fs/cgroup
	fi
	mount -t bpf -o mode=700 bpf sys/fs/bpf
	mount -t tracefs -o mode=700 tracefs sys/kernel/tracing
	mount -t securityfs securityfs sys/kernel/security
}
mkdir run/guest
cp /guest/command run/guest/
cat >run/guest/main <<'END'
mkfifo /run/guest/errors
cat /run/guest/errors >$(echo /dev/vport*p2) &
errors=$!
{
	. /run/guest/command </dev/null 2>/run/guest/errors
	echo $? >/run/guest/status
} | cat >$(echo /dev/vport*p1)
for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $errors 2>/dev/null || break; sleep 0.1; done
cat /run/guest/status >$(echo /dev/vport*p3)
sleep 0.2
echo b >/proc/sysrq-trigger
sleep 9
END
if [ -s /guest/init ]; then
	mkdir -p run/systemd/system/multi-user.target.wants
	# Without default dependencies the target does not wait for it.
	printf '[Unit]\nDefaultDependencies=no\nAfter=multi-user.target\n[Service]\nExecStart=/bin/sh /run/guest/main\n' \
		>run/systemd/system/guest.service
	ln -s ../guest.service run/systemd/system/multi-user.target.wants/
	# It would wait a minute and a half for a device that only udev tells of.
	ln -s /dev/null run/systemd/system/serial-getty@ttyS0.service
	exec switch_root /newroot "$(cat /guest/init)" --unit=multi-user.target
fi
mount_rest
exec switch_root /newroot /bin/sh /run/guest/main
