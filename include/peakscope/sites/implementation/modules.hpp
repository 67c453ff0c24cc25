// SPDX-License-Identifier: MIT
// The body of sites/modules.hpp.
#pragma once

#include <peakscope/sites/modules.hpp>
#include <peakscope/sites/objects.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>

#if defined(__linux__)
#include <elf.h>
#include <link.h>
#endif

namespace peakscope::sites::detail {

#if defined(__linux__)

// The build id among the notes of a segment, in hexadecimal. A note: the sizes of its name and its content, its type,
// then both, each filled up to a multiple of the segment's alignment, four or eight bytes.
[[nodiscard]] inline std::string build_id_in(const unsigned char* notes, std::size_t size_bytes,
                                             std::size_t alignment) {
    const auto filled = [&](std::size_t size) { return (size + alignment - 1) / alignment * alignment; };
    ElfW(Nhdr) note;
    while (size_bytes >= sizeof(note)) {
        std::memcpy(&note, notes, sizeof(note));
        const std::size_t content = sizeof(note) + filled(note.n_namesz);
        if (content + note.n_descsz > size_bytes) return {};
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
            std::memcmp(notes + sizeof(note), ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0) {
            std::string digits;
            for (std::size_t i = 0; i < note.n_descsz; ++i) {
                digits += "0123456789abcdef"[notes[content + i] / 16];
                digits += "0123456789abcdef"[notes[content + i] % 16];
            }
            return digits;
        }
        const std::size_t whole = content + filled(note.n_descsz);
        if (whole >= size_bytes) return {};
        notes += whole;
        size_bytes -= whole;
    }
    return {};
}

[[nodiscard]] inline std::string build_id_of(const loaded_object& object) {
    struct search {
        const loaded_object& object;
        std::string found{};
    } asked{object};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            search& of = *static_cast<search*>(data);
            if (info->dlpi_addr != of.object.base || std::strcmp(info->dlpi_name, of.object.path) != 0) return 0;
            for (std::size_t i = 0; i < info->dlpi_phnum && of.found.empty(); ++i)
                if (const ElfW(Phdr)& segment = info->dlpi_phdr[i]; segment.p_type == PT_NOTE)
                    // NOLINTNEXTLINE(performance-no-int-to-ptr)
                    of.found = build_id_in(reinterpret_cast<const unsigned char*>(info->dlpi_addr + segment.p_vaddr),
                                           segment.p_memsz, segment.p_align == 8 ? 8 : 4);
            return 1;
        },
        &asked);
    return asked.found;
}

#else

[[nodiscard]] inline std::string build_id_of(const loaded_object&) { return {}; }

#endif

std::optional<std::uint32_t> module_list::number_of(address return_address) {
    const loaded_object object = object_of(return_address);
    if (!object.known) return std::nullopt;
    const auto [found, is_new] =
        numbers_.try_emplace({object.base, object.path}, static_cast<std::uint32_t>(all_.size()));
    if (is_new)
        all_.push_back(
            {std::filesystem::path{path_of(object)}.lexically_normal().string(), build_id_of(object), object.base});
    return found->second;
}

} // namespace peakscope::sites::detail
