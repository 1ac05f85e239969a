//! Whether a folder is on another machine: several machines may use its files at the same time, locks are slower there, and memory
//! that is mapped from its files is not shared between machines.

use std::io;
use std::path::Path;

/// The file systems that reach over a network, or may, by their numbers in `statfs(2)` and `linux/magic.h`.
const NETWORK_FILE_SYSTEMS: [(u64, &str); 16] = [
    (0x0000_6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0000_517b, "SMB"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x00c3_6400, "Ceph"),
    (0xaad7_aaea, "PanFS"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x0102_1997, "9P"),
    // For example sshfs and GlusterFS.
    (0x6573_5546, "FUSE"),
];

/// The name of the network file system that a folder is on; `None`: the folder is on this machine.
///
/// # Errors
/// When the folder does not exist or cannot be asked.
pub fn network_file_system(folder: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(folder)?.f_type;
    // The numbers have 32 bits; the field is signed and of another size on some processors.
    Ok(name_of(kind as u64 & 0xffff_ffff))
}

fn name_of(kind: u64) -> Option<&'static str> {
    NETWORK_FILE_SYSTEMS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_this_machine_are_told_from_others() {
        assert_eq!(network_file_system(Path::new("/proc")).expect("it exists"), None);
        assert!(network_file_system(Path::new("/no/such/folder")).is_err());
        let disks = [0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994];
        assert!(disks.into_iter().all(|disk| name_of(disk).is_none()), "ext4, btrfs, xfs, tmpfs");
        assert_eq!((name_of(0x6969), name_of(0xff53_4d42)), (Some("NFS"), Some("CIFS")));
    }
}
