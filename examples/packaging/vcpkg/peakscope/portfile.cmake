set(VCPKG_BUILD_TYPE release) # headers and nothing else

if(EXISTS "${CURRENT_PORT_DIR}/../../../../include/peakscope/peakscope.hpp")
  # An overlay port in a checkout: `vcpkg install peakscope --overlay-ports=examples/packaging/vcpkg`.
  get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../../.." ABSOLUTE)
else()
  vcpkg_from_github(
    OUT_SOURCE_PATH SOURCE_PATH
    REPO peakscope/peakscope
    REF "v${VERSION}"
    SHA512 0 # of the release; vcpkg prints it
    HEAD_REF main
  )
endif()

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}/include")
vcpkg_cmake_install()
vcpkg_cmake_config_fixup()
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
