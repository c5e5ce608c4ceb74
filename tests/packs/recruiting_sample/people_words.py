"""Names, places and telephone ranges for invented people."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


FIRST: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "de": (
        _words(
            "Anna, Lena, Julia, Katharina, Sarah, Laura, Lisa, Marie, Hannah, Sophie, Johanna, "
            "Franziska, Nina, Miriam, Carolin, "
            "Theresa, Eva, Christina, Stefanie, Nadine, Claudia, Birgit, Svenja, Antje, Greta, "
            "Pia, Judith, Kerstin, Sabine, Verena"
        ),
        _words(
            "Lukas, Jan, Felix, Maximilian, Paul, Jonas, Tobias, Florian, Sebastian, Daniel, "
            "Philipp, Moritz, Niklas, Matthias, Andreas, "
            "Stefan, Markus, Christian, Simon, Fabian, Oliver, Thorsten, Holger, Hendrik, Malte, "
            "Benedikt, Konstantin, Uwe, Sven, Dirk"
        ),
    ),
    "gb": (
        _words(
            "Emily, Charlotte, Grace, Olivia, Hannah, Rebecca, Lucy, Chloe, Megan, Abigail, Imogen, Harriet, Zoe, Fiona"
        ),
        _words(
            "James, Oliver, Harry, Thomas, George, Callum, Edward, Lewis, Graham, Rory, Alistair, Nathan, Owen, Elliot"
        ),
    ),
    "ie": (
        _words("Aoife, Niamh, Ciara, Saoirse, Orla, Roisin, Maeve, Sinead"),
        _words("Conor, Sean, Cian, Darragh, Padraig, Eoin, Fergal, Declan"),
    ),
    "fr": (
        _words("Camille, Chloé, Manon, Élodie, Amélie, Juliette, Margaux, Céline, Aurélie, Inès"),
        _words("Antoine, Julien, Mathieu, Théo, Guillaume, Étienne, Rémi, Bastien, Olivier, Loïc"),
    ),
    "pl": (
        _words("Agnieszka, Katarzyna, Magdalena, Joanna, Zuzanna, Małgorzata, Ewelina, Natalia"),
        _words("Piotr, Krzysztof, Tomasz, Michał, Paweł, Łukasz, Wojciech, Kamil"),
    ),
    "es": (
        _words("Lucía, Carmen, Marta, Elena, Paula, Cristina, Inés, Rocío"),
        _words("Javier, Sergio, Álvaro, Diego, Pablo, Rubén, Iván, Miguel"),
    ),
    "it": (
        _words("Giulia, Chiara, Francesca, Alessia, Martina, Federica"),
        _words("Marco, Luca, Matteo, Davide, Andrea, Lorenzo, Simone"),
    ),
    "nl": (_words("Sanne, Femke, Lotte, Anouk, Marloes, Eline"), _words("Daan, Sander, Bram, Jeroen, Thijs, Wouter")),
    "tr": (
        _words("Elif, Zeynep, Ayşe, Merve, Esra, Selin, Derya"),
        _words("Mehmet, Emre, Burak, Can, Serkan, Deniz, Okan"),
    ),
    "in": (
        _words("Priya, Ananya, Divya, Kavya, Neha, Sneha, Pooja"),
        _words("Arjun, Rahul, Vikram, Rohan, Aditya, Karthik, Nikhil"),
    ),
    "ro": (_words("Ioana, Andreea, Raluca, Mihaela, Bianca"), _words("Andrei, Mihai, Cristian, Bogdan, Radu")),
    "cz": (_words("Tereza, Lucie, Veronika, Petra, Markéta"), _words("Jakub, Tomáš, Ondřej, Petr, Vojtěch")),
    "ua": (_words("Oksana, Olena, Iryna, Kateryna, Yuliia"), _words("Dmytro, Andriy, Oleksandr, Serhiy, Bohdan")),
    "se": (_words("Elsa, Maja, Ebba, Frida"), _words("Erik, Gustav, Axel, Nils")),
}
LAST: dict[str, tuple[str, ...]] = {
    "de": _words(
        "Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann, "
        "Schäfer, Koch, Bauer, Richter, Klein, Wolf, "
        "Schröder, Neumann, Schwarz, Zimmermann, Braun, Krüger, Hofmann, Hartmann, Lange, "
        "Werner, Krause, Lehmann, Köhler, Maier, Herrmann, "
        "König, Walter, Huber, Kaiser, Fuchs, Peters, Lang, Scholz, Möller, Weiß, Jung, Hahn, "
        "Vogel, Friedrich, Keller, Günther, Berger, "
        "Winkler, Roth, Beck, Lorenz, Baumann, Franke, Albrecht, Schuster, Simon, Ludwig, "
        "Böhm, Winter, Kraus, Martin, Schumacher, Krämer, "
        "Vogt, Stein, Jäger, Otto, Sommer, Groß, Seidel, Heinrich, Brandt, Haas, Schreiber, "
        "Graf, Schulte, Dietrich, Ziegler, Kuhn, Pohl, "
        "Engel, Horn, Busch, Bergmann, Thomas, Voigt, Sauer, Arnold, Pfeiffer, Kühn, Wolff, "
        "Lindner, Ritter, Petersen, Hansen, Thiel, Ebert"
    ),
    "gb": _words(
        "Smith, Jones, Taylor, Brown, Wilson, Evans, Thomas, Roberts, Walker, Wright, "
        "Robinson, Hughes, Edwards, Turner, Hill, Ward, Cooper, Bailey"
    ),
    "ie": _words("Murphy, Kelly, O'Sullivan, Walsh, O'Brien, Byrne, Ryan, O'Connor, Doyle, McCarthy, Gallagher, Nolan"),
    "fr": _words(
        "Martin, Bernard, Dubois, Moreau, Laurent, Lefebvre, Roux, Fournier, Girard, Mercier, "
        "Lambert, Faure, Rousseau, Blanc"
    ),
    "pl": _words(
        "Nowak, Kowalska, Wiśniewski, Wójcik, Kamińska, Lewandowski, Zieliński, Szymański, Dąbrowska, Kozłowski, Mazur"
    ),
    "es": _words(
        "García, Fernández, González, Rodríguez, López, Martínez, Sánchez, Pérez, Gómez, Navarro, Romero, Torres"
    ),
    "it": _words("Rossi, Russo, Ferrari, Esposito, Bianchi, Romano, Colombo, Ricci, Marino, Greco, Conti"),
    "nl": _words("de Vries, van Dijk, Bakker, Visser, Smit, Mulder, van den Berg, Bos, Hendriks"),
    "tr": _words("Yılmaz, Kaya, Demir, Şahin, Çelik, Yıldız, Aydın, Öztürk, Arslan, Doğan"),
    "in": _words("Sharma, Patel, Iyer, Reddy, Gupta, Nair, Rao, Mehta, Kulkarni, Menon"),
    "ro": _words("Popescu, Ionescu, Dumitru, Stan, Marin, Stoica, Matei"),
    "cz": _words("Novák, Svoboda, Dvořák, Černý, Procházka, Kučera, Horák"),
    "ua": _words("Shevchenko, Kovalenko, Bondarenko, Tkachenko, Melnyk, Kravchenko"),
    "se": _words("Andersson, Johansson, Lindberg, Nyström, Bergström, Sandberg"),
}
ORIGINS: tuple[str, ...] = (
    ("de",) * 58
    + ("gb",) * 6
    + ("ie",) * 4
    + ("fr",) * 5
    + ("pl",) * 5
    + ("es",) * 4
    + ("it",) * 3
    + ("nl",) * 2
    + ("tr",) * 4
    + ("in",) * 4
)
ORIGINS += ("ro",) * 2 + ("cz",) * 1 + ("ua",) * 1 + ("se",) * 1
LANGUAGE = {
    "de": "de",
    "gb": "en",
    "ie": "en",
    "fr": "fr",
    "pl": "pl",
    "es": "es",
    "it": "it",
    "nl": "nl",
    "tr": "tr",
    "in": "hi",
    "ro": "ro",
    "cz": "cs",
    "ua": "uk",
    "se": "sv",
}
CITIZENS = frozenset({"de", "ie", "fr", "pl", "es", "it", "nl", "ro", "cz", "se"})
"""Origins whose people need no permit in the countries where the agency works."""

CITIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "Berlin": (
        "Germany",
        "+49 30 23125 {:03d}",
        ("10115", "10245", "10435", "10585", "10719", "10969", "12047", "13353", "14059"),
    ),
    "Hamburg": ("Germany", "+49 40 66969 {:03d}", ("20095", "20255", "20457", "22085", "22303", "22765")),
    "Munich": ("Germany", "+49 89 99998 {:03d}", ("80331", "80469", "80797", "80937", "81241", "81667", "85748")),
    "Frankfurt am Main": ("Germany", "+49 69 90009 {:03d}", ("60311", "60329", "60385", "60487", "60594", "65929")),
    "Cologne": ("Germany", "+49 221 4710 {:03d}", ("50667", "50672", "50823", "50937", "51063")),
    "Stuttgart": ("Germany", "+49 30 23125 {:03d}", ("70173", "70190", "70469", "70565")),
    "Leipzig": ("Germany", "+49 30 23125 {:03d}", ("04103", "04109", "04229", "04275")),
    "Hanover": ("Germany", "+49 40 66969 {:03d}", ("30159", "30171", "30449", "30625")),
    "Nuremberg": ("Germany", "+49 89 99998 {:03d}", ("90402", "90429", "90471")),
    "Düsseldorf": ("Germany", "+49 221 4710 {:03d}", ("40210", "40217", "40476", "40547")),
    "Dublin": ("Ireland", "+44 20 7946 0{:03d}", ("D02 X285", "D04 F291", "D08 K7P3")),
    "London": ("United Kingdom", "+44 20 7946 0{:03d}", ("EC1A 4HY", "N1 7GU", "SE1 9GF", "W1T 3JH")),
    "Paris": ("France", "+33 1 99 00 1{:03d}", ("75002", "75009", "75011", "75015")),
}
ZONES = {
    "Germany": "Europe/Berlin",
    "Ireland": "Europe/Dublin",
    "United Kingdom": "Europe/London",
    "France": "Europe/Paris",
}
HOMES: tuple[str, ...] = (
    ("Berlin",) * 24
    + ("Hamburg",) * 14
    + ("Munich",) * 14
    + ("Frankfurt am Main",) * 11
    + ("Cologne",) * 8
    + ("Stuttgart",) * 6
    + ("Leipzig",) * 4
)
HOMES += ("Hanover",) * 4 + ("Nuremberg",) * 3 + ("Düsseldorf",) * 5
STREETS: dict[str, tuple[str, ...]] = {
    "Germany": _words(
        "Lindenstraße, Gartenstraße, Bahnhofstraße, Schillerstraße, Goethestraße, Am Mühlbach, "
        "Bergstraße, Rosenweg, Kastanienallee, Uferweg, "
        "Kirchplatz, Ahornweg, Parkallee, Werkstraße, Hafenstraße, Marktplatz, Feldweg, Birkenallee"
    ),
    "Ireland": _words("Harbour Road, Mill Lane, Canal Walk, Chapel Street"),
    "United Kingdom": _words("Station Road, Orchard Lane, Wharf Street, Church Lane"),
    "France": _words("rue des Lilas, rue du Moulin, avenue des Tilleuls, rue de la Gare"),
}
MAIL_DOMAINS = ("example.com", "example.org", "example.net", "post.example", "mail.example")
SCHOOLS: tuple[str, ...] = _words(
    "University of Berlin North, Hamburg Institute of Technology, Munich Business College, "
    "Rhine University of Applied Sciences, "
    "Leipzig School of Engineering, Frankfurt School of Commerce, Academy of Health "
    "Professions Cologne, Stuttgart Polytechnic, "
    "Dublin Bay University, South London University, Institut Supérieur de la Seine, Baltic University of Technology"
)
EMPLOYERS_A: tuple[str, ...] = _words(
    "Altmark, Birkenfeld, Kestrel, Nordwind, Silberbach, Hanse, Talmühle, Rheinbogen, "
    "Ostsee, Graupner, Falkenau, Meridian, Lindau, Werra, Brightwater, Isarufer, Kronach, "
    "Steinfurt, Elbtal, Auenland"
)
EMPLOYERS_B: tuple[str, ...] = _words(
    "Systems, Solutions, Consulting, Technik, Logistik, Software, Group, Labs, Werke, "
    "Services, Partner, Klinik, Energie, Digital"
)
