#!/usr/bin/perl
# Makes a small database in MaxMind's format for a test:
#
#     write.pl FILE TYPE [ip_version=4] [record_size=28] [flat=1] < NETWORKS
#
# NETWORKS is JSON: a list of pairs [network, record]; later ones win. flat: what is a group elsewhere is a text.
use strict;
use warnings;

use JSON::PP;
use MaxMind::DB::Writer::Tree;

my %types = (
	accuracy_radius          => 'uint16',
	asn                      => 'uint32',
	autonomous_system_number => 'uint32',
	geoname_id               => 'uint32',
	latitude                 => 'double',
	longitude                => 'double',
	static_ip_score          => 'float',
	subdivisions             => ['array', 'map'],
	map { $_ => 'map' } qw(city continent country location names postal registered_country traits),
);
my ($file, $type, @options) = @ARGV;
my %options = (ip_version => 6, record_size => 24, map { split /=/, $_, 2 } @options);

my $tree = MaxMind::DB::Writer::Tree->new(
	ip_version               => $options{ip_version},
	record_size              => $options{record_size},
	database_type            => $type,
	languages                => ['en', 'de'],
	description              => { en => 'A database of the tests' },
	remove_reserved_networks => 0,
	map_key_type_callback    => sub {
		my ($key) = @_;
		return 'utf8_string' if $options{flat} && grep { $key eq $_ } qw(asn city country);
		return $types{$key} // ($key =~ /^is_/ ? 'boolean' : 'utf8_string');
	},
);
local $/ = undef;
my $networks = JSON::PP->new->utf8->boolean_values(0, 1)->decode(<STDIN>);
$tree->insert_network(@$_) for @$networks;
open my $out, '>:raw', $file or die "$file: $!\n";
$tree->write_tree($out);
close $out or die "$file: $!\n";
