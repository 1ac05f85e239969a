//! The pages that only the start of a process needed of its program and libraries: tables of relocations and symbols, the code
//! that reads them, and what the system mapped around each touched place. Without them a worker is as small as its
//! work; a page that is needed again is mapped again from the file, which is in memory anyway.

use std::ffi::{c_int, c_void};

/// Drops all pages of this process that belong to a file and cannot be written.
#[expect(unsafe_code, reason = "no safe call says where the parts of a program lie in memory, or lets go of them")]
pub fn drop_unwritten() {
    // SAFETY: `drop_pages_of` is what the call wants, and needs nothing besides what it is given.
    unsafe {
        libc::dl_iterate_phdr(Some(drop_pages_of), std::ptr::null_mut());
    }
}

#[expect(unsafe_code, reason = "called by the C library for each object that it has loaded")]
unsafe extern "C" fn drop_pages_of(object: *mut libc::dl_phdr_info, _size: usize, _data: *mut c_void) -> c_int {
    let page = rustix::param::page_size();
    // SAFETY: the C library gives a description that is good during this call, with this number of headers.
    let (base, headers) = unsafe {
        let object = &*object;
        (object.dlpi_addr as usize, std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()))
    };
    for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0) {
        let begin = base + header.p_vaddr as usize;
        let end = begin + header.p_memsz as usize;
        let begin = begin - begin % page;
        // SAFETY: a part that cannot be written is as it is in its file, so what is read again later is the same; parts
        // with different permissions share no page. Where the system refuses, nothing has changed.
        unsafe {
            libc::madvise(begin as *mut c_void, end - begin, libc::MADV_DONTNEED);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_on_without_the_pages_of_its_start() {
        let of_files = || {
            let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
            let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).expect("a line");
            line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
        };
        // Other tests run meanwhile, and have pages mapped again.
        let shrank = (0..1000).any(|_| {
            let before = of_files();
            drop_unwritten();
            of_files() < before
        });
        assert!(shrank);
        assert_eq!(format!("{:?}", [1.5, 2.0]), "[1.5, 2.0]");
    }
}
