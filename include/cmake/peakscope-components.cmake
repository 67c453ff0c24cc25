# SPDX-License-Identifier: MIT
# The parts of peakscope that need a library, each a target of its own where the library is there. They use no find
# modules but CMake's own, so that an installed peakscope and one among the sources find the same.

# peakscope_component(NAME WHAT_TO_INSTALL FOUND...): a target, if all of FOUND are true.
macro(peakscope_component name what_to_install)
  set(peakscope_${name}_FOUND TRUE)
  foreach(peakscope_each ${ARGN})
    if(NOT ${peakscope_each})
      set(peakscope_${name}_FOUND FALSE)
      set(peakscope_${name}_MISSING "install ${what_to_install}")
    endif()
  endforeach()
  if(peakscope_${name}_FOUND AND NOT TARGET peakscope::${name})
    add_library(peakscope::${name} INTERFACE IMPORTED GLOBAL)
    set_property(TARGET peakscope::${name} APPEND PROPERTY INTERFACE_LINK_LIBRARIES peakscope::peakscope)
  endif()
endmacro()

find_path(PEAKSCOPE_BOOST_INCLUDE boost/hana.hpp)
find_path(PEAKSCOPE_BOOST_MATH_INCLUDE boost/math/distributions/students_t.hpp)
find_path(PEAKSCOPE_RANGES_INCLUDE range/v3/version.hpp)
find_path(PEAKSCOPE_JSON_INCLUDE nlohmann/json.hpp)
find_path(PEAKSCOPE_PROTOZERO_INCLUDE protozero/pbf_writer.hpp)
find_path(PEAKSCOPE_ZLIB_INCLUDE zlib.h)
find_library(PEAKSCOPE_ZLIB_LIBRARY z)
find_path(PEAKSCOPE_UNWIND_INCLUDE libunwind.h)
find_library(PEAKSCOPE_UNWIND_LIBRARY unwind)
# Of a program that is linked statically. g++'s own half of the unwinder comes before libunwind's, with which exceptions
# that are thrown end the program.
set(peakscope_unwinder ${PEAKSCOPE_UNWIND_LIBRARY})
if(PEAKSCOPE_UNWIND_LIBRARY MATCHES "[.]a$")
  find_library(PEAKSCOPE_LZMA_LIBRARY lzma)
  set(peakscope_unwinder gcc_eh ${PEAKSCOPE_UNWIND_LIBRARY})
  if(PEAKSCOPE_LZMA_LIBRARY)
    list(APPEND peakscope_unwinder ${PEAKSCOPE_LZMA_LIBRARY})
  endif()
endif()
# libbacktrace comes with g++, and its header and its archive lie among g++'s own; clang++ is told of them.
if(NOT DEFINED PEAKSCOPE_GCC_FOLDERS)
  execute_process(COMMAND g++ -print-file-name=include OUTPUT_VARIABLE peakscope_gcc_include ERROR_QUIET
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND g++ -print-file-name=libbacktrace.a OUTPUT_VARIABLE peakscope_gcc_archive ERROR_QUIET
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  get_filename_component(peakscope_gcc_archive "${peakscope_gcc_archive}" DIRECTORY)
  set(PEAKSCOPE_GCC_FOLDERS ${peakscope_gcc_include} ${peakscope_gcc_archive} CACHE INTERNAL "g++'s own headers and libraries")
endif()
find_path(PEAKSCOPE_BACKTRACE_INCLUDE backtrace.h HINTS ${PEAKSCOPE_GCC_FOLDERS})
find_library(PEAKSCOPE_BACKTRACE_LIBRARY backtrace HINTS ${PEAKSCOPE_GCC_FOLDERS})

peakscope_component(implementation "Boost's headers and range-v3 (Debian: libboost-dev librange-v3-dev)"
                    PEAKSCOPE_BOOST_INCLUDE PEAKSCOPE_RANGES_INCLUDE)
if(peakscope_implementation_FOUND)
  set_property(TARGET peakscope::implementation PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
               ${PEAKSCOPE_BOOST_INCLUDE} ${PEAKSCOPE_RANGES_INCLUDE})
endif()

peakscope_component(statistics "Boost's headers (Debian: libboost-dev)" PEAKSCOPE_BOOST_MATH_INCLUDE)
if(peakscope_statistics_FOUND)
  set_property(TARGET peakscope::statistics PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${PEAKSCOPE_BOOST_MATH_INCLUDE})
endif()

peakscope_component(json "nlohmann-json (Debian: nlohmann-json3-dev)" PEAKSCOPE_JSON_INCLUDE)
if(peakscope_json_FOUND)
  set_property(TARGET peakscope::json PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${PEAKSCOPE_JSON_INCLUDE})
endif()

peakscope_component(pprof "protozero and zlib (Debian: libprotozero-dev zlib1g-dev)" PEAKSCOPE_PROTOZERO_INCLUDE
                    PEAKSCOPE_ZLIB_INCLUDE PEAKSCOPE_ZLIB_LIBRARY)
if(peakscope_pprof_FOUND)
  set_property(TARGET peakscope::pprof PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${PEAKSCOPE_PROTOZERO_INCLUDE}
               ${PEAKSCOPE_ZLIB_INCLUDE})
  set_property(TARGET peakscope::pprof APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${PEAKSCOPE_ZLIB_LIBRARY})
endif()

peakscope_component(sites "libunwind and g++'s libbacktrace (Debian: libunwind-dev g++)" PEAKSCOPE_UNWIND_INCLUDE
                    PEAKSCOPE_UNWIND_LIBRARY PEAKSCOPE_BACKTRACE_INCLUDE PEAKSCOPE_BACKTRACE_LIBRARY)
if(peakscope_sites_FOUND)
  set_property(TARGET peakscope::sites APPEND PROPERTY INTERFACE_LINK_LIBRARIES
               ${peakscope_unwinder} ${PEAKSCOPE_BACKTRACE_LIBRARY} ${CMAKE_DL_LIBS})
  # After the compiler's own, where g++'s headers would be in the way of clang++'s.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set_property(TARGET peakscope::sites PROPERTY INTERFACE_COMPILE_OPTIONS "SHELL:-idirafter ${PEAKSCOPE_BACKTRACE_INCLUDE}")
  endif()
endif()
